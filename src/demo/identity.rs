//! Who the person is in the demo: an identity of their own to show servers that ask. It goes with the sample folder.

use std::io;

use jiff::Timestamp;

use super::Demo;
use crate::identity::x509::draft::Draft;
use crate::identity::x509::names::Subject;
use crate::identity::x509::store::{Facts, IdentityStore, New};
use crate::secrets::Secret;
use crate::server::random_text;

/// What it is called.
const NAME: &str = "demo";
/// Letters of its passphrase: 80 bits.
const PASSPHRASE_LETTERS: usize = 16;

impl Demo {
    /// Makes the person an identity for this run, which servers that ask are shown. Answers its name, and the passphrase of
    /// its key. Computes long on purpose.
    pub async fn make_identity(&self) -> io::Result<(&'static str, Secret)> {
        let store = IdentityStore::open(&self.trust());
        let passphrase = Secret::new(random_text(PASSPHRASE_LETTERS).map_err(io::Error::other)?);
        let draft = Draft {
            name: NAME.to_owned(),
            subject: Subject { common_name: "sealift demo".to_owned(), ..Subject::default() },
            passphrase: passphrase.clone(),
            confirmation: passphrase.clone(),
            ..Draft::default()
        };
        let making = tokio::task::spawn_blocking(move || {
            let facts = Facts { made: Timestamp::now(), usage: draft.usage };
            let made = draft.make(facts.made).map_err(io::Error::other)?;
            let new = New { key: &made.key, chain: &[made.certificate], request: made.request.as_deref(), facts };
            store.add(NAME, &new).and_then(|_| store.set_default(Some(NAME))).map_err(io::Error::other)
        });
        making.await.map_err(io::Error::other)??;
        Ok((NAME, passphrase))
    }
}
