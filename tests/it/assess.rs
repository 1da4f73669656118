//! One row for each kind of problem, and pairs: what is wrong with a chain is found, all of it and nothing else.
