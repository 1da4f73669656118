//! The sites a person keeps: `sites.toml`, read, changed entry by entry, replaced in one step. Holds no secret, and takes none.
//!
//! | file | what |
//! |---|---|
//! | `entry.rs` | one site: where it is, and what is set for it |
//! | `name.rs` | what a site may be called |
//! | `table.rs` | an entry as a table of the file, and back |
//! | `book.rs` | the file: what is in it, and how it is changed |
//! | `lines.rs` | which line of a text a place is in |
//! | `import/` | sites of FileZilla, WinSCP and OpenSSH |

mod book;
mod entry;
pub mod import;
mod lines;
mod name;
mod table;

use table::is_secretive;

#[cfg(test)]
mod tests;

pub use book::{SiteBook, SiteBookError, Sites, sites_text};
pub use entry::{SiteEntry, identity_of, identity_word};
pub use name::{InvalidSiteName, SiteName};
