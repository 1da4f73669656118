//! What the list of the server's clients orders, done on the operator's lists.

use jiff::Timestamp;

use crate::app::effect::ClientsOrder;
use crate::app::message::ClientsDone;
use crate::engine::{Advice, Place};
use crate::identity::x509::bundle::Bundle;
use crate::model::FilePath;
use crate::server::Clients;
use crate::server::clients::{Client, ClientsError, Lists};
use crate::trust::Certificate;
use crate::trust::certificate::CertificateFacts;
use crate::tui::runtime::Backend;

/// Carries out an order; answers what came of it, and the lists as they are then.
pub(super) async fn work(
    backend: &dyn Backend,
    clients: Clients,
    order: ClientsOrder,
) -> (Result<ClientsDone, Advice>, Result<Lists, Advice>) {
    let found = match &order {
        ClientsOrder::FindAuthority { place, path } => Some(find_authority(backend, *place, path).await),
        _ => None,
    };
    let blocking = tokio::task::spawn_blocking(move || {
        let done = change(&clients, order, Timestamp::now());
        (done.map_err(|error| advice(&error)), clients.lists().map_err(|error| advice(&error)))
    });
    let broken = || Advice {
        what: "The lists of clients could not be worked on.".to_owned(),
        why: "It failed inside sealift; this is a bug.".to_owned(),
        next: "The log has the details.".to_owned(),
        intended: false,
    };
    let (done, lists) = blocking.await.unwrap_or_else(|_| (Err(broken()), Err(broken())));
    (found.unwrap_or(done), lists)
}

fn change(clients: &Clients, order: ClientsOrder, now: Timestamp) -> Result<ClientsDone, ClientsError> {
    let (client, done) = match order {
        ClientsOrder::Read | ClientsOrder::FindAuthority { .. } => return Ok(ClientsDone::Read),
        ClientsOrder::Trust(which) => (clients.trust(&which, now)?, "comes in from the next connection on"),
        ClientsOrder::Refuse(which) => (clients.refuse(&which, now)?, "is refused from the next connection on"),
        ClientsOrder::Forget(which) => (clients.forget(&which)?, "is forgotten"),
        ClientsOrder::TrustAuthority(certificate) => {
            (clients.trust_authority(&certificate.der, now)?, "vouches for clients from the next connection on")
        }
    };
    Ok(ClientsDone::Changed(format!("{} {done}", owner(&client))))
}

fn owner(client: &Client) -> String {
    client.facts().map_or_else(|_| client.fingerprint().to_string(), |facts| facts.owner())
}

/// The first certificate in a file that may sign others.
async fn find_authority(backend: &dyn Backend, place: Place, path: &FilePath) -> Result<ClientsDone, Advice> {
    let content = backend.read_small(place, path).await?;
    let no_authority = |why: String| Advice {
        what: format!("No authority was found in {}.", path.display()),
        why,
        next: "Choose the certificate of the authority that signed your clients, in PEM or DER.".to_owned(),
        intended: false,
    };
    let bundle = Bundle::read(&content).map_err(|error| no_authority(format!("{error}.")))?;
    let is_authority = |der: &&Vec<u8>| CertificateFacts::read(der).is_ok_and(|facts| facts.is_authority);
    let found = bundle.certificates().iter().find(is_authority);
    let found = found.ok_or_else(|| no_authority("No certificate in it may sign others.".to_owned()))?;
    Ok(ClientsDone::Found(Certificate { der: found.as_slice().into() }))
}

/// Errors of the lists are sentences already.
fn advice(error: &ClientsError) -> Advice {
    Advice { what: error.to_string(), why: String::new(), next: String::new(), intended: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{ServerIdentity, Throwaway};

    #[test]
    fn each_order_changes_the_lists_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let clients = Clients::at(folder.path().to_owned());
        let now = Timestamp::UNIX_EPOCH;
        let chain = ServerIdentity::make(&Throwaway { by_authority: true, ..Throwaway::new(&["partner"]) }).unwrap();
        let [client, authority] = chain.chain().map(|der| Certificate { der: der.into() }).collect::<Vec<_>>().try_into().unwrap();
        let which = clients.trust_certificate(&client.der, now).unwrap().fingerprint();
        let lengths = || {
            let Lists { trusted, authorities, refused, .. } = clients.lists().unwrap();
            [trusted.len(), authorities.len(), refused.len()]
        };
        for (order, after) in [
            (ClientsOrder::Refuse(which), [0, 0, 1]),
            (ClientsOrder::Trust(which), [1, 0, 0]),
            (ClientsOrder::Forget(which), [0, 0, 0]),
            (ClientsOrder::TrustAuthority(authority), [0, 1, 0]),
        ] {
            let done = change(&clients, order.clone(), now);
            assert!(matches!(done, Ok(ClientsDone::Changed(_))), "{order:?}");
            assert_eq!(lengths(), after, "{order:?}");
        }
        assert_eq!(change(&clients, ClientsOrder::Read, now).unwrap(), ClientsDone::Read);
        assert!(
            change(&clients, ClientsOrder::Trust(which), now).is_err()
                && change(&clients, ClientsOrder::TrustAuthority(client), now).is_err()
        );
        assert_eq!(lengths(), [0, 1, 0]);
    }
}
