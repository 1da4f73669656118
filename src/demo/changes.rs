//! Identities that changed before the demo began: what was trusted is remembered, what is shown is another.

use std::io;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::{Demo, FIRST_CHANGED, HERE, Replacement};
use crate::model::Endpoint;
use crate::secrets::Keyring;
use crate::server::{HostKey, IdentityError, ServerIdentity, Throwaway};
use crate::trust::assess::assess;
use crate::trust::store::TrustStore;
use crate::trust::{Anchors, Certificate, Evidence, Pin, Remember, Verified, known_hosts};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long ago the old identities were trusted.
const TRUSTED_FOR: Duration = DAY.saturating_mul(80);

/// A certificate as it stood until now: close to its end, as before any renewal.
pub(super) fn old_identity() -> Result<ServerIdentity, IdentityError> {
    let now = SystemTime::now();
    ServerIdentity::make(&Throwaway { from: now - 85 * DAY, until: now + 5 * DAY, ..Throwaway::new(&HERE) })
}

/// Remembers what the servers showed, and lets them show something else.
pub(super) fn happen(demo: &mut Demo) -> io::Result<()> {
    for (place, replacement) in [(FIRST_CHANGED, Replacement::SameKey), (FIRST_CHANGED + 1, Replacement::NewKey)] {
        trust(demo, place)?;
        demo.replace_identity(place, replacement).map_err(io::Error::other)?;
    }
    let endpoint = endpoint(demo, FIRST_CHANGED + 2);
    let before = HostKey::throwaway().map_err(io::Error::other)?.public();
    known_hosts::append(&demo.trust().join("known_hosts"), &endpoint.host, endpoint.port, &before)
}

fn endpoint(demo: &Demo, place: usize) -> Endpoint {
    let addr = demo.servers[place].running.addr;
    Endpoint::new(&addr.ip().to_string(), addr.port())
}

/// Writes down that a person trusted what the server shows now, long ago.
fn trust(demo: &Demo, place: usize) -> io::Result<()> {
    let endpoint = endpoint(demo, place);
    let identity = demo.servers[place].identity.iter().flat_map(ServerIdentity::chain);
    let chain: Vec<_> = identity.map(|der| Certificate { der: der.into() }).collect();
    let then = Timestamp::try_from(SystemTime::now() - TRUSTED_FOR).map_err(io::Error::other)?;
    let assessment = assess(&chain, &endpoint, &Anchors::default(), then);
    let evidence = Evidence::of_certificates(endpoint.clone(), chain, assessment, None);
    let pin = Pin::of(&evidence, Remember::Always, Verified::Fingerprint, then);
    TrustStore::open(&demo.trust(), Keyring::off()).remember(endpoint, pin).map(drop).map_err(io::Error::other)
}
