//! Key files of every format.
