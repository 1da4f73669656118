//! Pure values everybody speaks in: paths, entries, sites, sorting, sizes, and the sanitiser. No I/O, no clock.

pub mod bytes;
pub mod entry;
pub mod path;
pub mod site;
pub mod sort;
pub mod text;

pub use entry::{Details, Entry, Kind};
pub use path::{EntryName, FilePath, UnsafeName};
pub use site::{Endpoint, Location, Protocol, Site};
