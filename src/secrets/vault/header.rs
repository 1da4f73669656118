//! How a vault file begins: what it is, how the passphrase becomes the key, and a way to tell a wrong passphrase from damage.
//!
//! `magic | version | memory | passes | lanes | salt | check | checksum`, numbers little-endian. `check` is the half of what
//! Argon2id gives that is not the key; `checksum` is the beginning of the SHA-256 of all before it.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::VaultError;
use crate::secrets::Secret;

/// Bytes of a header.
pub(super) const LENGTH: usize = BEFORE_CHECKSUM + CHECKSUM;

const MAGIC: [u8; 14] = *b"sealift vault\0";
const VERSION: u16 = 1;
const SALT: usize = 16;
const CHECK: usize = 32;
const CHECKSUM: usize = 8;
const BEFORE_CHECKSUM: usize = MAGIC.len() + 2 + 3 * 4 + SALT + CHECK;

/// What seals a vault.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// What a guess at the passphrase costs (Argon2id, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// 64 MiB three times over: RFC 9106, section 4, for machines that are short of memory. About half a second.
    pub const USUAL: Self = Self { memory: 64 * 1024, passes: 3, lanes: 4 };
    /// The least a file may ask for.
    pub const LEAST: Self = Self { memory: 8 * 1024, passes: 1, lanes: 1 };
    /// The most a file may ask for of each; of memory and passes together no more than [`MOST_WORK`].
    const MOST: Self = Self { memory: 1024 * 1024, passes: 64, lanes: 16 };

    /// Whether it is what a vault may sensibly ask for. What a file says is not believed: it could ask for all there is.
    fn is_sensible(self) -> bool {
        (Self::LEAST.memory..=Self::MOST.memory).contains(&self.memory)
            && (Self::LEAST.passes..=Self::MOST.passes).contains(&self.passes)
            && (Self::LEAST.lanes..=Self::MOST.lanes).contains(&self.lanes)
            && u64::from(self.memory) * u64::from(self.passes) <= MOST_WORK
    }
}

/// KiB that are gone over, all passes together: some seconds.
const MOST_WORK: u64 = 4 * 1024 * 1024;

/// The beginning of a vault file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header {
    cost: Cost,
    salt: [u8; SALT],
    check: [u8; CHECK],
}

impl Header {
    /// A header for a new passphrase, and the key. Computes for a while.
    pub(super) fn make(passphrase: &Secret, cost: Cost) -> Result<(Self, Key), VaultError> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|error| VaultError::Failed(error.to_string()))?;
        let (key, check) = derive(passphrase, cost, &salt)?;
        Ok((Self { cost, salt, check }, key))
    }

    /// Reads the beginning of `file`. Computes nothing.
    pub(super) fn read(file: &[u8]) -> Result<Self, VaultError> {
        let rest = file.strip_prefix(&MAGIC).ok_or(VaultError::Damaged("it is no vault of sealift"))?;
        let (version, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        match u16::from_le_bytes(*version) {
            VERSION => {}
            other => return Err(VaultError::Version(other)),
        }
        let (numbers, rest) = rest.split_first_chunk::<12>().ok_or(CUT_OFF)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        let (check, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        let (checksum, _) = rest.split_first_chunk::<CHECKSUM>().ok_or(CUT_OFF)?;
        let [memory, passes, lanes] =
            [0, 4, 8].map(|at| u32::from_le_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]]));
        let header = Self { cost: Cost { memory, passes, lanes }, salt: *salt, check: *check };
        if header.bytes()[BEFORE_CHECKSUM..] != *checksum {
            return Err(VaultError::Damaged("its beginning is not what was written"));
        }
        if header.cost.is_sensible() { Ok(header) } else { Err(VaultError::TooExpensive) }
    }

    /// As it stands in the file.
    pub(super) fn bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let Cost { memory, passes, lanes } = self.cost;
        let numbers = [memory, passes, lanes].map(u32::to_le_bytes);
        let parts = [&MAGIC[..], &VERSION.to_le_bytes(), numbers.as_flattened(), &self.salt, &self.check].concat();
        bytes[..BEFORE_CHECKSUM].copy_from_slice(&parts);
        bytes[BEFORE_CHECKSUM..].copy_from_slice(&Sha256::digest(&parts)[..CHECKSUM]);
        bytes
    }

    /// The key, if this is the passphrase. Computes for a while.
    pub(super) fn key(&self, passphrase: &Secret) -> Result<Key, VaultError> {
        let (key, check) = derive(passphrase, self.cost, &self.salt)?;
        // Whoever could time this has the file, and guesses at it as fast as the derivation lets them.
        if check == self.check { Ok(key) } else { Err(VaultError::WrongPassphrase) }
    }
}

const CUT_OFF: VaultError = VaultError::Damaged("it is cut off");

fn derive(passphrase: &Secret, cost: Cost, salt: &[u8]) -> Result<(Key, [u8; CHECK]), VaultError> {
    let failed = |error: argon2::Error| VaultError::Failed(error.to_string());
    let mut derived = Zeroizing::new([0; 32 + CHECK]);
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(derived.len())).map_err(failed)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let done = argon2.hash_password_into_with_memory(passphrase.expose().as_bytes(), salt, &mut *derived, &mut memory);
    memory.iter_mut().for_each(Zeroize::zeroize);
    done.map_err(failed)?;
    let (key, check) = derived.split_first_chunk().ok_or_else(|| VaultError::Failed("too little was derived".to_owned()))?;
    let mut kept = [0; CHECK];
    kept.copy_from_slice(check);
    Ok((Zeroizing::new(*key), kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_may_ask_for_has_bounds() {
        let header = |memory, passes, lanes| Header { cost: Cost { memory, passes, lanes }, salt: [1; SALT], check: [2; CHECK] };
        for (memory, passes, lanes) in [(8 * 1024, 1, 1), (64 * 1024, 3, 4), (1024 * 1024, 4, 16), (64 * 1024, 64, 1)] {
            let written = header(memory, passes, lanes);
            assert!(Header::read(&written.bytes()) == Ok(written), "{memory} {passes} {lanes}");
        }
        for (memory, passes, lanes) in [
            (8 * 1024 - 1, 1, 1),
            (8 * 1024, 0, 1),
            (8 * 1024, 1, 0),
            (1024 * 1024 + 1, 1, 1),
            (u32::MAX, u32::MAX, u32::MAX),
            (8 * 1024, 65, 1),
            (8 * 1024, 1, 17),
            (1024 * 1024, 5, 1),
        ] {
            let read = Header::read(&header(memory, passes, lanes).bytes()).err();
            assert_eq!(read, Some(VaultError::TooExpensive), "{memory} {passes} {lanes}");
        }
    }
}
