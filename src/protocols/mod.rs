//! Speaks to servers: TLS, FTP, SFTP, and HTTP for revocations. Bytes in, bytes out; asks nobody, knows no screen and no settings.
//!
//! Each protocol connects in steps, and every step before the last can be abandoned: reach the peer, judge it (the
//! caller does), log in (the caller brings what it takes), and have a [`crate::vfs::FileSystem`].

mod error;
pub mod ftp;
pub mod http;
pub mod sftp;
pub mod tls;

pub use error::{AlertKind, CertificateRefusal, ConnectError, ConnectErrorKind, RefusedCertificate};
