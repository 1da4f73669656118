//! Pure values everybody speaks in: paths, entries, sites, sorting, sizes, and the sanitiser. No I/O, no clock.

pub mod bytes;
mod charset;
mod difference;
pub mod entry;
mod fold;
mod part_name;
pub mod path;
pub mod site;
mod site_options;
pub mod sort;
pub mod text;

pub use charset::{Charset, Unencodable, UnknownCharset};
pub use difference::{Difference, More, Situation, TimePrecision};
pub use entry::{Details, Entry, Kind};
pub use fold::folded;
pub use part_name::split_part_name;
pub use path::{EntryName, FilePath, UnsafeName};
pub use site::{Endpoint, Location, Protocol, Site};
pub use site_options::{DataMode, IdentityChoice, SecurityLevel, SiteOptions, TransferType};
