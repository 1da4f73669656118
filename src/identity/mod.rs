//! Who you are: SSH keys on this machine, certificates and their keys. Opens no connection, asks nobody.

mod hex;
pub mod ssh_certificate;
pub mod ssh_key;
pub mod x509;

#[cfg(test)]
mod tests;
