//! Who you are: SSH keys on this machine. Opens no connection, asks nobody.

pub mod ssh_certificate;
pub mod ssh_key;

#[cfg(test)]
mod tests;
