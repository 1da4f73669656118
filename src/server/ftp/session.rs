//! One control connection: greeting, what is allowed before login, which command goes where, the end.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::control::{Control, Line, Wire};
use super::data::Plan;
use super::listing::Facts;
use super::tls;
use crate::model::{FilePath, text};
use crate::server::clients::Judge;
use crate::vfs::{FsError, FsErrorKind};

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) control: Control,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    /// The configuration this control connection was protected with; its data connections use the same.
    pub(super) protection: Option<Arc<ServerConfig>>,
    /// What is asked about this client's certificate, if anything is.
    pub(super) judge: Option<Arc<Judge>>,
    /// The name of USER, until PASS.
    pub(super) claimed: Option<Vec<u8>>,
    pub(super) logged_in: bool,
    pub(super) failed_logins: u32,
    pub(super) pbsz: bool,
    pub(super) private_data: bool,
    pub(super) folder: FilePath,
    pub(super) plan: Plan,
    pub(super) only_extended: bool,
    /// REST: where the next transfer begins.
    pub(super) restart: u64,
    pub(super) rename_from: Option<FilePath>,
    pub(super) facts: Facts,
    /// Commands that came while a transfer ran.
    pub(super) waiting: VecDeque<Line>,
    pub(super) closing: bool,
}

/// Serves one connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, stopping: CancellationToken) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let step = shared.options.limits.step;
    let mut session = Session {
        control: Control::new(Wire::Plain(stream), step),
        peer,
        local,
        protection: None,
        judge: None,
        claimed: None,
        logged_in: false,
        failed_logins: 0,
        pbsz: shared.options.implicit,
        private_data: shared.options.implicit,
        folder: FilePath::root(),
        plan: Plan::None,
        only_extended: false,
        restart: 0,
        rename_from: None,
        facts: Facts::default(),
        waiting: VecDeque::new(),
        closing: false,
        shared,
    };
    if let Err(error) = session.run(&stopping).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
    session.control.close().await;
}

impl Session {
    async fn run(&mut self, stopping: &CancellationToken) -> io::Result<()> {
        if self.shared.options.implicit {
            self.protect().await?;
        }
        self.control.reply(220, "sealift embedded server").await?;
        while !self.closing {
            let line = if let Some(line) = self.waiting.pop_front() {
                line
            } else {
                tokio::select! {
                    () = stopping.cancelled() => return self.control.reply(421, "The server stops").await,
                    line = tokio::time::timeout(self.shared.options.limits.idle, self.control.line()) => match line {
                        Ok(Ok(Some(line))) => line,
                        Ok(Ok(None)) => return Ok(()),
                        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => return self.control.reply(500, "Line too long").await,
                        Ok(Err(error)) => return Err(error),
                        Err(_) => return self.control.reply(421, "Silent for too long").await,
                    },
                }
            };
            self.command(line).await?;
        }
        Ok(())
    }

    /// The handshake of the control connection.
    pub(super) async fn protect(&mut self) -> io::Result<()> {
        let Some(shown) = &self.shared.tls else { return Err(io::ErrorKind::Unsupported.into()) };
        let shown = Arc::clone(&shown.borrow());
        self.judge = self.shared.judge(Arc::clone(shown.crypto_provider())).await?;
        let config = tls::of_one_connection(&shown, self.shared.options.versions, self.judge.as_ref())?;
        let protected = self.control.protect(&config).await;
        if let Some(certificate) = self.judge.as_ref().and_then(|judge| judge.unknown()) {
            self.shared.met(certificate, self.peer.ip().to_canonical()).await;
        } else if let Some(fingerprint) = self.judge.as_ref().and_then(|judge| judge.waits_no_longer()) {
            self.shared.waits_no_longer(fingerprint).await;
        }
        protected?;
        self.protection = Some(config);
        Ok(())
    }

    async fn command(&mut self, Line { verb, argument }: Line) -> io::Result<()> {
        let shown = if verb == "PASS" { "****".to_owned() } else { text::display_safe(&argument) };
        tracing::debug!("< {} {shown}", text::display_safe(verb.as_bytes()));
        let argument = argument.as_slice();
        let rename_from = self.rename_from.take();
        match verb.as_str() {
            "AUTH" => return self.auth(argument).await,
            "USER" => return self.user(argument).await,
            "PASS" => return self.pass(argument).await,
            "PBSZ" => return self.pbsz().await,
            "PROT" => return self.prot(argument).await,
            "CCC" => return self.control.reply(534, "The control connection stays protected").await,
            "FEAT" => return self.feat().await,
            "OPTS" => return self.opts(argument).await,
            "SYST" => return self.control.reply(215, "UNIX Type: L8").await,
            "NOOP" => return self.control.reply(200, "Here").await,
            "HELP" => return self.control.reply(214, "RFC 959, 2389, 2428, 3659, 4217; SITE CHMOD, MFMT").await,
            "QUIT" => {
                self.closing = true;
                return self.control.reply(221, "Good-bye").await;
            }
            _ => {}
        }
        let known = matches!(
            verb.as_str(),
            "CWD"
                | "XCWD"
                | "CDUP"
                | "XCUP"
                | "PWD"
                | "XPWD"
                | "TYPE"
                | "MODE"
                | "STRU"
                | "ALLO"
                | "REST"
                | "PASV"
                | "EPSV"
                | "PORT"
                | "EPRT"
                | "RETR"
                | "STOR"
                | "APPE"
                | "LIST"
                | "NLST"
                | "MLSD"
                | "MLST"
                | "SIZE"
                | "MDTM"
                | "MFMT"
                | "MKD"
                | "XMKD"
                | "RMD"
                | "XRMD"
                | "DELE"
                | "RNFR"
                | "RNTO"
                | "SITE"
                | "STAT"
                | "ABOR"
        );
        if known && !self.is_let_in().await? {
            return Ok(());
        }
        match (known, self.logged_in) {
            (true, false) => self.control.reply(530, "Log in with USER and PASS first").await,
            (false, _) => self.control.reply(if verb.is_empty() { 500 } else { 502 }, "That command is not served").await,
            (true, true) => self.file_command(&verb, argument, rename_from).await,
        }
    }

    /// Whether the client is trusted still; else it hears so, and the connection ends.
    pub(super) async fn is_let_in(&mut self) -> io::Result<bool> {
        let Some(judge) = self.judge.clone() else { return Ok(true) };
        if self.shared.lets_in(&judge).await {
            return Ok(true);
        }
        self.closing = true;
        self.control.reply(421, "Your certificate is trusted here no longer").await.map(|()| false)
    }

    async fn file_command(&mut self, verb: &str, argument: &[u8], rename_from: Option<FilePath>) -> io::Result<()> {
        match verb {
            "CWD" | "XCWD" => self.change_folder(argument).await,
            "CDUP" | "XCUP" => self.change_folder(b"..").await,
            "PWD" | "XPWD" => self.control.reply(257, quoted(&self.folder)).await,
            "TYPE" => self.only(argument, &[b"I", b"L 8", b"A", b"A N"], "Files are sent as they are").await,
            "MODE" => self.only(argument, &[b"S"], "Stream").await,
            "STRU" => self.only(argument, &[b"F"], "File").await,
            "ALLO" => self.control.reply(202, "Not needed").await,
            "REST" => self.rest(argument).await,
            "PASV" => self.pasv().await,
            "EPSV" => self.epsv(argument).await,
            "PORT" => self.port(argument).await,
            "EPRT" => self.eprt(argument).await,
            "RETR" => self.retrieve(argument).await,
            "STOR" => self.store(argument, false).await,
            "APPE" => self.store(argument, true).await,
            "LIST" | "NLST" | "MLSD" => self.list(verb, argument).await,
            "MLST" => self.machine_facts(argument).await,
            "SIZE" => self.size(argument).await,
            "MDTM" => self.modified(argument).await,
            "MFMT" => self.set_modified(argument).await,
            "MKD" | "XMKD" => self.make_folder(argument).await,
            "RMD" | "XRMD" => self.remove_folder(argument).await,
            "DELE" => self.delete(argument).await,
            "RNFR" => self.rename_from(argument).await,
            "RNTO" => self.rename_to(rename_from, argument).await,
            "SITE" => self.site(argument).await,
            "STAT" => self.status(argument).await,
            // What ran was ended when this command came in; here only its own reply is due.
            _ => self.control.reply(226, "No transfer runs").await,
        }
    }

    /// Accepts one of a few values.
    async fn only(&mut self, argument: &[u8], accepted: &[&[u8]], text: &str) -> io::Result<()> {
        if accepted.iter().any(|value| value.eq_ignore_ascii_case(argument)) {
            self.control.reply(200, text).await
        } else {
            self.control.reply(504, "Not for that parameter").await
        }
    }

    /// The path an argument means, or a 553.
    pub(super) async fn path(&mut self, argument: &[u8]) -> io::Result<Option<FilePath>> {
        match self.folder.resolve(argument) {
            Ok(path) => Ok(Some(path)),
            Err(why) => self.control.reply(553, why.to_string()).await.map(|()| None),
        }
    }

    /// [`Self::path`], and a 501 where a name is needed and none came.
    pub(super) async fn named_path(&mut self, argument: &[u8]) -> io::Result<Option<FilePath>> {
        if argument.is_empty() {
            return self.control.reply(501, "A name is needed").await.map(|()| None);
        }
        self.path(argument).await
    }

    pub(super) async fn refuse(&mut self, error: &FsError) -> io::Result<()> {
        self.control.reply(code_of(error.kind), error.to_string()).await
    }

    /// `done` as reply `code`, or the error.
    pub(super) async fn outcome(&mut self, result: Result<(), FsError>, code: u16, done: &str) -> io::Result<()> {
        match result {
            Ok(()) => self.control.reply(code, done).await,
            Err(error) => self.refuse(&error).await,
        }
    }
}

/// The reply for a failed file operation (RFC 959 5.4).
pub(super) fn code_of(kind: FsErrorKind) -> u16 {
    match kind {
        FsErrorKind::NoSpace => 452,
        FsErrorKind::UnsafeName => 553,
        FsErrorKind::Unsupported => 504,
        FsErrorKind::ConnectionLost | FsErrorKind::TimedOut | FsErrorKind::Cancelled | FsErrorKind::Io | FsErrorKind::Protocol => 451,
        _ => 550,
    }
}

/// A path in a 257 reply: in quotes, those inside doubled (RFC 959, appendix II).
pub(super) fn quoted(path: &FilePath) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in path.as_bytes() {
        quoted.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_paths_are_doubled() {
        assert_eq!(quoted(&FilePath::try_from("/a \"b\"").unwrap()), b"\"/a \"\"b\"\"\"");
    }
}
