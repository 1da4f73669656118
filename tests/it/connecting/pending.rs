//! A signed certificate on its first way to a server, while another one is taken in.

use sealift::ask::{
    ConflictAnswer, ConflictQuestion, Declined, InteractiveQuestion, SecretAnswer, SecretQuestion, TrustQuestion, TrustReply,
};
use sealift::identity::x509::Usage;
use sealift::identity::x509::authority::Authority;
use sealift::identity::x509::draft::Draft;
use sealift::identity::x509::key_file::KeyFile;
use sealift::identity::x509::names::Subject;
use sealift::identity::x509::store::{Facts, New};
use sealift::model::IdentityChoice;
use sealift::server::{AskForCertificate, Clients};

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn draft(name: &str) -> Draft {
    let passphrase = Secret::new(PASSWORD.to_owned());
    Draft {
        name: name.to_owned(),
        subject: Subject { common_name: name.to_owned(), ..Subject::default() },
        passphrase: passphrase.clone(),
        confirmation: passphrase,
        ..Draft::default()
    }
}

/// Somebody who takes in another certificate in the moment the passphrase is asked for.
struct Meanwhile {
    store: IdentityStore,
    takes_in: Vec<Vec<u8>>,
}

#[async_trait::async_trait]
impl Prompter for Meanwhile {
    async fn trust(&self, _: TrustQuestion) -> Result<TrustReply, Declined> {
        Ok(TrustAnswer::Once.into())
    }
    async fn secret(&self, _: SecretQuestion) -> Result<SecretAnswer, Declined> {
        self.store.stage("payroll", &self.takes_in).unwrap();
        Ok(SecretAnswer { secret: Secret::new(PASSWORD.to_owned()), keep: false })
    }
    async fn interactive(&self, _: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        Err(Declined)
    }
    async fn conflict(&self, _: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        Err(Declined)
    }
}

#[tokio::test]
async fn one_that_got_nobody_in_yet_replaces_nothing() {
    let (person, now) = (
        Person { options: SiteOptions { identity: IdentityChoice::Named("payroll".into()), ..SiteOptions::default() }, ..Person::new() },
        Timestamp::now(),
    );
    let made = draft("authority").make_authority(now).unwrap();
    let key = KeyFile::read(made.key.as_bytes()).unwrap().unlock(&Secret::new(PASSWORD.to_owned())).unwrap();
    let authority = Authority::new(made.certificate, key, now).unwrap();
    let store = IdentityStore::open(person.folder.path());
    let own = draft("payroll").make(now).unwrap();
    let old = vec![own.certificate];
    let new = New { key: &own.key, chain: &old, request: own.request.as_deref(), facts: Facts { made: now, usage: Usage::Client } };
    let request = store.add("payroll", &new).unwrap().request().unwrap().unwrap();
    let signed = || vec![authority.sign(&request, now + DAY, Usage::Client, now).unwrap().certificate, authority.certificate().to_vec()];
    let (first, second) = (signed(), signed());

    let clients = Clients::at(person.folder.path().join("operator"));
    clients.trust_authority(authority.certificate(), now).unwrap();
    let options = FtpOptions { client_certificate: AskForCertificate::Require, clients: Some(clients), ..ftp_options(&tree()) };
    let server = FtpServer::start(options).await.unwrap();
    for (takes_in, chain, pending) in [(&second, &old, Some(&second)), (&second, &second, None)] {
        if pending.is_some() {
            store.stage("payroll", &first).unwrap();
        }
        let (engine, _news) = person.engine_for(Arc::new(Meanwhile { store: store.clone(), takes_in: takes_in.clone() }));
        in_time(engine.connect(target("ftpes", server.addr))).await.unwrap();
        let payroll = store.get("payroll").unwrap();
        assert_eq!((&payroll.chain, payroll.pending.as_ref()), (chain, pending));
    }
}
