//! AUTH, USER, PASS, PBSZ, PROT (RFC 4217), FEAT and OPTS (RFC 2389): what is said before anything is done.

use std::io;

use super::listing::Facts;
use super::session::Session;

impl Session {
    pub(super) async fn auth(&mut self, mechanism: &[u8]) -> io::Result<()> {
        if self.shared.tls.is_none() {
            return self.control.reply(502, "TLS is not served").await;
        }
        if self.control.is_protected() {
            return self.control.reply(503, "Already protected").await;
        }
        if !mechanism.eq_ignore_ascii_case(b"TLS") && !mechanism.eq_ignore_ascii_case(b"TLS-C") {
            return self.control.reply(504, "AUTH TLS is served").await;
        }
        // What was sent in the clear behind AUTH would be taken for something said under TLS.
        if self.control.has_unread() || !self.waiting.is_empty() {
            self.closing = true;
            return self.control.reply(421, "Nothing may follow AUTH before the handshake").await;
        }
        self.control.reply(234, "Begin").await?;
        self.protect().await?;
        self.claimed = None;
        self.logged_in = false;
        Ok(())
    }

    pub(super) async fn user(&mut self, name: &[u8]) -> io::Result<()> {
        if self.shared.options.require_tls && !self.control.is_protected() {
            return self.control.reply(530, "Only under TLS: send AUTH TLS first").await;
        }
        if self.logged_in {
            return self.control.reply(503, "Already logged in").await;
        }
        if !self.is_let_in().await? {
            return Ok(());
        }
        let certificate = self.judge.as_ref().and_then(|judge| judge.trusted());
        if certificate.is_some() && self.shared.options.users.comes_by_certificate(name) {
            self.logged_in = true;
            return self.control.reply(232, "Logged in by the certificate").await;
        }
        self.claimed = Some(name.to_vec());
        self.control.reply(331, "And the password").await
    }

    pub(super) async fn pass(&mut self, password: &[u8]) -> io::Result<()> {
        if self.shared.options.require_tls && !self.control.is_protected() {
            return self.control.reply(530, "Only under TLS: send AUTH TLS first").await;
        }
        let Some(name) = self.claimed.take() else { return self.control.reply(503, "USER comes first").await };
        if !self.is_let_in().await? {
            return Ok(());
        }
        if self.shared.options.users.admits(&name, password) {
            self.logged_in = true;
            return self.control.reply(230, "Logged in").await;
        }
        self.failed_logins += 1;
        let limits = self.shared.options.limits;
        tokio::time::sleep(limits.failed_login_delay * self.failed_logins).await;
        if self.failed_logins >= limits.failed_logins {
            self.closing = true;
            return self.control.reply(421, "Too many wrong passwords").await;
        }
        self.control.reply(530, "Wrong user or password").await
    }

    pub(super) async fn pbsz(&mut self) -> io::Result<()> {
        if !self.control.is_protected() {
            return self.control.reply(503, "AUTH TLS comes first").await;
        }
        self.pbsz = true;
        self.control.reply(200, "PBSZ=0").await
    }

    pub(super) async fn prot(&mut self, level: &[u8]) -> io::Result<()> {
        if !self.pbsz {
            return self.control.reply(503, "PBSZ comes first").await;
        }
        match level {
            b"P" | b"p" => self.private_data = true,
            b"C" | b"c" if self.shared.options.require_tls => return self.control.reply(534, "Data must be protected").await,
            b"C" | b"c" => self.private_data = false,
            b"S" | b"E" => return self.control.reply(536, "PROT P or C").await,
            _ => return self.control.reply(504, "PROT P or C").await,
        }
        self.control.reply(200, "Noted").await
    }

    pub(super) async fn feat(&mut self) -> io::Result<()> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        if self.shared.tls.is_some() {
            lines.extend([b"AUTH TLS".to_vec(), b"PBSZ".to_vec(), b"PROT".to_vec()]);
        }
        for feature in ["EPRT", "EPSV", "MDTM", "MFMT", "REST STREAM", "SIZE", "TVFS", "UTF8"] {
            lines.push(feature.into());
        }
        lines.push(format!("MLST {}", self.facts.feature()).into_bytes());
        self.control.reply_lines(211, "Features:", &lines, "End").await
    }

    pub(super) async fn opts(&mut self, argument: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(argument).to_ascii_uppercase();
        let (command, parameters) = text.split_once(' ').unwrap_or((&text, ""));
        match (command, parameters) {
            ("UTF8" | "UTF-8", "" | "ON" | "NLST") => self.control.reply(200, "Names are UTF-8").await,
            ("MLST", parameters) => {
                self.facts = Facts::selected(parameters);
                self.control.reply(200, format!("MLST OPTS {}", self.facts.names())).await
            }
            _ => self.control.reply(501, "No such option").await,
        }
    }
}
