//! The private half of each kind of key, as PuTTY writes it: strings of RFC 4251 section 5 in a row.

use russh::keys::ssh_key::Mpint;
use russh::keys::ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair, RsaPrivateKey};
use russh::keys::ssh_key::public::{EcdsaPublicKey, KeyData};
use zeroize::Zeroizing;

use crate::trust::ssh_blob::Blob;

/// The pair of a public half and its private numbers; `None` where they make no sense or do not belong together, as far as
/// that is looked at here. What follows them is padding.
pub(super) fn read(public: &KeyData, private: &[u8]) -> Option<KeypairData> {
    let mut private = Blob(private);
    Some(match public {
        KeyData::Rsa(public) => {
            let mut number = || Mpint::from_bytes(private.string()?).ok();
            let (d, p, q, inverse_of_q) = (number()?, number()?, number()?, number()?);
            let private = RsaPrivateKey::new(d, inverse_of_q, p, q).ok()?;
            RsaKeypair::new(public.clone(), private).ok()?.into()
        }
        KeyData::Ed25519(public) => {
            // A little-endian number; PuTTY once left out the zeros at its end.
            let number = private.string()?;
            let mut seed = Zeroizing::new([0; 32]);
            seed.get_mut(..number.len())?.copy_from_slice(number);
            let pair = Ed25519Keypair::from_seed(&seed);
            (pair.public == *public).then_some(pair)?.into()
        }
        KeyData::Ecdsa(public) => {
            let number = private.string()?;
            match *public {
                EcdsaPublicKey::NistP256(public) => EcdsaKeypair::NistP256 { public, private: (*filled(number)?).into() },
                EcdsaPublicKey::NistP384(public) => EcdsaKeypair::NistP384 { public, private: (*filled(number)?).into() },
                EcdsaPublicKey::NistP521(public) => EcdsaKeypair::NistP521 { public, private: (*filled(number)?).into() },
            }
            .into()
        }
        _ => return None,
    })
}

/// The private half; `None` for a kind of key PuTTY has no file for.
pub(super) fn write(pair: &KeypairData) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(2048));
    let mut put = |string: &[u8]| {
        text.extend_from_slice(&(string.len() as u32).to_be_bytes());
        text.extend_from_slice(string);
    };
    match pair {
        KeypairData::Rsa(pair) => {
            let private = pair.private();
            for number in [private.d(), private.p(), private.q(), private.iqmp()] {
                put(number.as_bytes());
            }
        }
        KeypairData::Ed25519(pair) => put(pair.private.as_ref()),
        KeypairData::Ecdsa(pair) => put(Mpint::from_positive_bytes(pair.private_key_bytes()).as_bytes()),
        _ => return None,
    }
    Some(text)
}

/// A big-endian number, filled up with zeros in front.
fn filled<const SIZE: usize>(number: &[u8]) -> Option<Zeroizing<[u8; SIZE]>> {
    let digits = &number[number.iter().take_while(|&&byte| byte == 0).count()..];
    let mut filled = Zeroizing::new([0; SIZE]);
    filled.get_mut(SIZE.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(filled)
}
