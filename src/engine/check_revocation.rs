//! Asks, when a person wants it, the issuer of a certificate whether it still stands. Never part of connecting: who
//! asks tells the issuer which server is used, and when.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::text;
use crate::protocols::http::{HttpAddress, HttpError, Reach};
use crate::protocols::tls::Roots;
use crate::trust::revocation::{self, RevocationPlace};
use crate::trust::{Evidence, PeerIdentity, Revocation, RevocationSource};

/// No check takes longer, however many addresses there are.
const LIMIT: Duration = Duration::from_secs(20);

/// No single address is waited for longer.
const LIMIT_OF_ONE: Duration = Duration::from_secs(10);

/// The largest OCSP answer, in bytes.
const LARGEST_ANSWER: u64 = 64 * 1024;

/// The largest revocation list, in bytes.
const LARGEST_LIST: u64 = 32 * 1024 * 1024;

/// Asks, as of `now`, the places that the peer's certificate names, its OCSP responders first, until one gives an answer
/// that counts. `roots` knows issuers that the peer did not send. What comes is signed and checked; a failure is
/// [`Revocation::Unusable`] with its reason in words.
///
/// [`Revocation::NotChecked`]: there is nobody to ask, because it is a host key, vouches for itself, its issuer is not
/// known here, or it names no place. Only plain HTTP is spoken, without redirects, and only the network where the
/// peer answered is entered. Bounded in time; dropping the future stops it.
pub async fn check_revocation(evidence: &Evidence, roots: &Roots, now: Timestamp) -> Revocation {
    let PeerIdentity::Certificates(chain) = &evidence.identity else { return Revocation::NotChecked };
    // Roots are read from the disk the first time.
    let places = tokio::task::spawn_blocking({
        let (chain, roots) = (chain.clone(), roots.clone());
        move || revocation::places(&chain, || roots.anchors())
    });
    let places = places.await.unwrap_or_default();
    let deadline = tokio::time::Instant::now() + LIMIT;
    // Its name could lead elsewhere by now.
    let reach = evidence.tls.peer_address.map_or(Reach::Internet, Reach::granted_to);
    let mut state = Revocation::NotChecked;
    for place in places {
        let end = deadline.min(tokio::time::Instant::now() + LIMIT_OF_ONE);
        let answer = tokio::time::timeout_at(end, fetch(&place, reach)).await;
        let answer = answer.map_err(|_| "no answer came in time".to_owned()).and_then(|answer| answer.map_err(|error| error.to_string()));
        let found = match answer {
            Ok(bytes) => {
                let (chain, roots, place) = (chain.clone(), roots.clone(), place.clone());
                let looked =
                    tokio::task::spawn_blocking(move || revocation::check_fetched(&chain, || roots.anchors(), &place, &bytes, now)).await;
                looked.unwrap_or_default()
            }
            Err(why) => {
                let source = RevocationSource::Fetched(text::display_safe(place.address().as_bytes()));
                Revocation::Unusable { source, why: text::display_safe(why.as_bytes()) }
            }
        };
        state = state.or(found);
        if matches!(state, Revocation::Good { .. } | Revocation::Revoked { .. }) {
            break;
        }
    }
    state
}

async fn fetch(place: &RevocationPlace, reach: Reach) -> Result<Vec<u8>, HttpError> {
    let address = HttpAddress::parse(place.address())?;
    match place {
        RevocationPlace::Responder(_, question) => address.fetch(Some(("application/ocsp-request", question)), reach, LARGEST_ANSWER).await,
        RevocationPlace::List(_) => address.fetch(None, reach, LARGEST_LIST).await,
    }
}
