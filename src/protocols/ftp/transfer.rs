//! One transfer: the data connection, and the replies that say what became of it. A transfer is done when the server
//! said so (226) and, where bytes came in over TLS, ended the stream itself (`close_notify`); everything else failed.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::attempt::Attempt;
use super::buffers::READ_SIZE;
use super::command::Command;
use super::control::{Control, ControlError};
use super::data::Rendezvous;
use super::line::Line;
use super::quirks::{Quirk, Quirks};
use super::reply::Reply;
use super::session::Session;
use crate::model::{Endpoint, FilePath};
use crate::protocols::tls::{TlsSession, end_sending, facts_of};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::vfs::{FsError, FsErrorKind};

/// How long a server may take to refuse a session that was not resumed, before bytes are sent to it (once a server).
const REFUSAL_GRACE: Duration = Duration::from_secs(1);
/// How long the rest of a TLS stream, its tickets and its end, is waited for behind an upload.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How long a server may take to settle a transfer that was broken off.
const ABORT_LIMIT: Duration = Duration::from_secs(3);

/// What to transfer.
pub(super) struct Order<'a> {
    /// The folder to be in, for listings.
    pub(super) folder: Option<&'a FilePath>,
    /// Where to begin, in bytes (`REST`).
    pub(super) from: u64,
    pub(super) command: &'a Command,
    pub(super) is_upload: bool,
    /// The ends of lines are those of each side (`TYPE A`).
    pub(super) is_text: bool,
}

/// A transfer under way.
pub(super) struct Transfer {
    line: Line,
    /// The final reply, where it came before the data's end.
    ended: Option<Reply>,
    /// What was read while waiting whether the server insists on resumption.
    early: BytesMut,
    /// What broke behind bytes that were passed on.
    held: Option<io::Error>,
    /// A file that comes in.
    is_file: bool,
    /// TLS, and the control connection's session was not resumed.
    is_full_handshake: bool,
}

/// Why a transfer did not begin.
enum NotBegun {
    Failed(FsError),
    /// The server wants a resumed session, and this one was not.
    WantsResumption(FsError),
    /// It mixed up its replies to commands sent at once.
    Disorder(FsError),
}

impl From<FsError> for NotBegun {
    fn from(error: FsError) -> Self {
        Self::Failed(error)
    }
}

impl Session {
    /// Begins a transfer. Where the server insists on resumed TLS sessions and there is none left to resume, this
    /// connection is replaced by one over TLS 1.2 and the step repeated, unnoticed by the caller.
    pub(super) async fn begin(&mut self, order: &Order<'_>, attempt: Attempt<'_>) -> Result<Transfer, FsError> {
        if self.is_out_of_tickets() {
            self.fall_back(attempt).await?;
        }
        match self.try_begin(order, attempt).await {
            Ok(transfer) => return Ok(transfer),
            Err(NotBegun::WantsResumption(_)) if self.may_fall_back() => self.fall_back(attempt).await?,
            Err(NotBegun::Disorder(_)) => self.replace(attempt).await?,
            Err(NotBegun::Failed(error) | NotBegun::WantsResumption(error)) => return Err(error),
        }
        self.try_begin(order, attempt).await.map_err(|not_begun| match not_begun {
            NotBegun::Failed(error) | NotBegun::WantsResumption(error) | NotBegun::Disorder(error) => error,
        })
    }

    async fn try_begin(&mut self, order: &Order<'_>, attempt: Attempt<'_>) -> Result<Transfer, NotBegun> {
        let control_failed = |error| match error {
            error @ ControlError::Disorder(_) => NotBegun::Disorder(attempt.control(error)),
            error => NotBegun::Failed(attempt.control(error)),
        };
        if let Some(folder) = order.folder {
            let enter = self.command("CWD", folder.as_bytes(), attempt)?;
            if self.begins_with_epsv() {
                self.control.send_with_ahead(&enter).await.map_err(control_failed)?;
            } else {
                self.control.send(&enter).await.map_err(control_failed)?;
            }
            attempt.success(self.control.next_reply().await.map_err(control_failed)?)?;
        }
        self.control.settle_ahead().await.map_err(control_failed)?;
        if order.is_text != self.is_text {
            self.done("TYPE", if order.is_text { "A" } else { "I" }, attempt).await?;
            self.is_text = order.is_text;
        }
        let rendezvous = self.rendezvous(attempt).await?;
        if order.from > 0 {
            let reply = self.exchange("REST", order.from.to_string(), attempt).await?;
            if reply.code != 350 {
                return Err(attempt.error(FsErrorKind::Unsupported, reply.quote()).into());
            }
        }
        // vsftpd does one thing after the other; others answer a command behind a transfer's while that is under way.
        if order.folder.is_none() && self.features.is_vsftpd && self.files > 0 && self.begins_with_epsv() {
            self.control.send_with_ahead(order.command).await.map_err(control_failed)?;
        } else {
            self.control.send(order.command).await.map_err(control_failed)?;
        }
        let limit = self.control.limit();
        let met = meet(rendezvous, self.tls.as_ref(), limit, &self.settings.site.endpoint);
        let mut met = pin!(met);
        let (mut line, mut started, mut ended) = (None, false, None);
        // The first reply and the handshake come in either order.
        while line.is_none() || !(started || ended.is_some()) {
            tokio::select! {
                reply = self.control.next_reply(), if !started && ended.is_none() => {
                    let reply = reply.map_err(control_failed)?;
                    if reply.is_refusal() {
                        return Err(not_begun(attempt.refused(&reply), &reply));
                    }
                    if reply.is_preliminary() { started = true } else { ended = Some(reply) }
                }
                result = &mut met, if line.is_none() => match result {
                    Ok(met) => line = Some(met),
                    Err(error) => return Err(explain(&mut self.control, ended, attempt.connect(&error), attempt).await),
                }
            }
        }
        let Some(line) = line else { return Err(attempt.error(FsErrorKind::Protocol, "").into()) };
        let is_full_handshake = matches!(&line, Line::Tls(tls) if !facts_of(tls).resumed);
        let is_file = order.folder.is_none() && !order.is_upload;
        let mut transfer = Transfer { line, ended, early: BytesMut::new(), held: None, is_file, is_full_handshake };
        if is_full_handshake && self.may_fall_back() {
            transfer.await_verdict(&mut self.control, order, attempt).await?;
        }
        // vsftpd says that a file is through only once it has our close_notify: sent now, that costs no round trip then.
        if let Line::Tls(line) = &mut transfer.line
            && !order.is_upload
            && self.features.is_vsftpd
        {
            drop(timeout(DRAIN_LIMIT, end_sending(line)).await);
        }
        Ok(transfer)
    }
}

/// The server's word on a data connection that failed, else `error`.
async fn explain(control: &mut Control, ended: Option<Reply>, error: FsError, attempt: Attempt<'_>) -> NotBegun {
    let reply = match ended {
        Some(reply) => Ok(reply),
        None => final_reply(control, ABORT_LIMIT).await,
    };
    match reply {
        Ok(reply) if reply.is_refusal() => not_begun(attempt.refused(&reply), &reply),
        Ok(_) => NotBegun::Failed(error),
        Err(()) => {
            control.close();
            NotBegun::Failed(error)
        }
    }
}

impl Transfer {
    /// Waits until the server shows what it thinks of a session that was not resumed: bytes, or a final reply.
    async fn await_verdict(&mut self, control: &mut Control, order: &Order<'_>, attempt: Attempt<'_>) -> Result<(), NotBegun> {
        if self.ended.is_some() {
            return Ok(());
        }
        let limit = if order.is_upload { REFUSAL_GRACE } else { control.limit() };
        let verdict = timeout(limit, async {
            tokio::select! {
                biased;
                reply = control.reply_in_own_time() => return Some(reply),
                read = self.line.read_buf(&mut self.early), if !order.is_upload => match read {
                    Ok(1..) => return None,
                    Ok(0) => {}
                    // Told by the next read: a broken stream is not asked again.
                    Err(error) => self.held = Some(error),
                },
            }
            // The stream ended before it began: the reply says why.
            Some(control.reply_in_own_time().await)
        });
        let Ok(Some(reply)) = verdict.await else { return Ok(()) };
        let reply = reply.map_err(|error| attempt.control(error))?;
        if reply.is_refusal() {
            return Err(not_begun(attempt.refused(&reply), &reply));
        }
        self.ended = Some(reply);
        Ok(())
    }

    /// Reads the next bytes behind `buffer`; 0 at the end, and only where the server confirmed it.
    pub(super) async fn read(&mut self, session: &mut Session, buffer: &mut BytesMut, attempt: Attempt<'_>) -> Result<usize, FsError> {
        if !self.early.is_empty() {
            buffer.extend_from_slice(&self.early);
            return Ok(std::mem::take(&mut self.early).len());
        }
        let control = &mut session.control;
        buffer.reserve(READ_SIZE);
        let held = self.held.take();
        let read = timeout(control.limit(), async {
            if let Some(error) = held {
                return Ok(Err(error));
            }
            loop {
                tokio::select! {
                    biased;
                    read = self.line.read_buf(buffer) => return Ok(read),
                    reply = control.reply_in_own_time(), if self.ended.is_none() => {
                        self.ended = Some(accept(reply, attempt)?);
                    }
                }
            }
        });
        let Ok(read) = read.await else {
            session.control.close();
            return Err(attempt.error(FsErrorKind::TimedOut, "nothing came over the data connection"));
        };
        match read? {
            Ok(0) => {
                self.confirm(session, attempt).await?;
                Ok(0)
            }
            Ok(mut count) => {
                // What else is there already. An end is seen again at the next call, what broke is kept for it.
                while buffer.len() < READ_SIZE {
                    match self.line.read_buf(buffer).now_or_never() {
                        Some(Ok(more @ 1..)) => count += more,
                        Some(Err(error)) => {
                            self.held = Some(error);
                            break;
                        }
                        Some(Ok(0)) | None => break,
                    }
                }
                Ok(count)
            }
            Err(error) => {
                let words = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "the data connection was cut off before its end (no close_notify)".to_owned(),
                    _ => format!("data connection: {error}"),
                };
                Err(self.broken(session, attempt.error(FsErrorKind::ConnectionLost, words), attempt).await)
            }
        }
    }

    /// Writes all of `bytes`.
    pub(super) async fn write(&mut self, session: &mut Session, mut bytes: &[u8], attempt: Attempt<'_>) -> Result<(), FsError> {
        let control = &mut session.control;
        while !bytes.is_empty() {
            let step = timeout(control.limit(), async {
                tokio::select! {
                    biased;
                    written = self.line.write(bytes) => Ok(written),
                    reply = control.reply_in_own_time(), if self.ended.is_none() => Err(reply),
                }
            });
            match step.await {
                Ok(Ok(Ok(count @ 1..))) => bytes = &bytes[count..],
                Ok(Ok(outcome)) => {
                    let error = outcome.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    return Err(self.broken(session, attempt.data(&error), attempt).await);
                }
                Ok(Err(reply)) => {
                    self.ended = Some(accept(reply, attempt)?);
                    return Err(attempt.error(FsErrorKind::Protocol, "the server called the upload done before its end"));
                }
                Err(_) => {
                    control.close();
                    return Err(attempt.error(FsErrorKind::TimedOut, "the server takes no more bytes"));
                }
            }
        }
        Ok(())
    }

    /// Ends an upload: flushes, says that this is the end, reads what the server still has to say on the stream (its
    /// TLS tickets come last), and waits for its word.
    pub(super) async fn finish_upload(mut self, session: &mut Session, attempt: Attempt<'_>) -> Result<(), FsError> {
        // Said before the last byte was there, it is no word on the file.
        if let Some(early) = self.ended.take_if(|reply| !reply.is_refusal()) {
            session.control.close();
            return Err(attempt.error(FsErrorKind::Protocol, format!("the server was done before the end: {}", early.quote())));
        }
        let limit = session.control.limit();
        let sent = timeout(limit, async {
            self.line.flush().await?;
            self.line.shutdown().await
        })
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if let Err(error) = sent {
            return Err(self.broken(session, attempt.data(&error), attempt).await);
        }
        let line = &mut self.line;
        let drained = timeout(DRAIN_LIMIT, async move {
            let mut rest = [0; 1024];
            while matches!(line.read(&mut rest).await, Ok(1..)) {}
        });
        let ended = self.ended.take();
        let replied = async {
            match ended {
                Some(reply) => Ok(reply),
                None => session.control.next_reply().await,
            }
        };
        session.files += 1;
        let (_, reply) = tokio::join!(drained, replied);
        let reply = reply.map_err(|error| attempt.control(error))?;
        if self.is_full_handshake && wants_resumption(&reply) {
            // Too late to repeat it here, but the next try will do.
            session.settings.quirks.learn(Quirk::NeedsTls12);
            session.control.close();
            return Err(attempt.error(FsErrorKind::ConnectionLost, reply.quote()));
        }
        self.settle(reply, session, attempt)
    }

    /// Breaks the transfer off. What cannot be settled in time is closed, and replaced at the next call.
    pub(super) async fn abort(self, session: &mut Session) {
        if self.ended.is_some() {
            return;
        }
        let control = &mut session.control;
        let settled = timeout(ABORT_LIMIT, async {
            control.send_anyway(&[&Command::new("ABOR")]).await?;
            drop(self.line);
            // One, two or three replies come, in either order, by server; the answer to NOOP comes behind them all.
            control.reply_in_own_time().await?;
            control.send_anyway(&[&Command::new("NOOP")]).await?;
            while control.reply_in_own_time().await?.code != 200 {}
            Ok::<_, ControlError>(())
        });
        if !matches!(settled.await, Ok(Ok(()))) {
            control.close();
            session.given_up = true;
        }
    }

    /// The stream ended as it should; now the server's word. Some servers give it only after our `close_notify`.
    async fn confirm(&mut self, session: &mut Session, attempt: Attempt<'_>) -> Result<(), FsError> {
        let closed = timeout(DRAIN_LIMIT, self.line.shutdown()).await;
        tracing::trace!(target: "sealift::ftp", ?closed, "end of data");
        let reply = match self.ended.take() {
            Some(reply) => reply,
            None => session.control.next_reply().await.map_err(|error| attempt.control(error))?,
        };
        self.settle(reply, session, attempt)?;
        if self.is_file {
            session.files += 1;
            if session.files > 1 && session.begins_with_epsv() {
                // Whether that works out, the next command sees.
                drop(session.control.send_ahead().await);
            }
        }
        Ok(())
    }

    fn settle(&mut self, reply: Reply, session: &mut Session, attempt: Attempt<'_>) -> Result<(), FsError> {
        self.ended = Some(reply.clone());
        if reply.is_preliminary() {
            session.control.close();
            return Err(attempt.error(FsErrorKind::Protocol, format!("{} where the transfer's end was expected", reply.quote())));
        }
        attempt.success(reply)?;
        learn_full_handshakes(self.is_full_handshake, &session.settings.quirks);
        Ok(())
    }

    /// The stream broke: the server's refusal, where it still says one, else `error`.
    async fn broken(&mut self, session: &mut Session, error: FsError, attempt: Attempt<'_>) -> FsError {
        if self.ended.is_none() {
            match final_reply(&mut session.control, ABORT_LIMIT).await {
                Ok(reply) if reply.is_refusal() => {
                    let refused = attempt.refused(&reply);
                    self.ended = Some(reply);
                    return refused;
                }
                Ok(reply) => self.ended = Some(reply),
                Err(()) => session.control.close(),
            }
        }
        error
    }
}

/// The data connection, protected where the control connection is.
async fn meet(rendezvous: Rendezvous, tls: Option<&TlsSession>, limit: Duration, endpoint: &Endpoint) -> Result<Line, ConnectError> {
    let met = timeout(limit, async {
        let tcp = rendezvous.meet().await.map_err(|error| ConnectError::from_io(&error, endpoint))?;
        Ok(match tls {
            Some(session) => Line::Tls(Box::new(session.connect_data(tcp).await?)),
            None => Line::Plain(tcp),
        })
    });
    met.await.unwrap_or_else(|_| Err(ConnectError::new(ConnectErrorKind::TimedOut, endpoint, "no data connection came about")))
}

async fn final_reply(control: &mut Control, limit: Duration) -> Result<Reply, ()> {
    let reply = timeout(limit, async {
        loop {
            match control.reply_in_own_time().await {
                Ok(reply) if reply.is_preliminary() => {}
                other => return other,
            }
        }
    });
    reply.await.map_err(drop)?.map_err(drop)
}

/// A reply in the middle of a stream: a refusal ends it, a preliminary one has no place there.
fn accept(reply: Result<Reply, ControlError>, attempt: Attempt<'_>) -> Result<Reply, FsError> {
    let reply = reply.map_err(|error| attempt.control(error))?;
    attempt.success(reply)
}

fn not_begun(error: FsError, reply: &Reply) -> NotBegun {
    if wants_resumption(reply) { NotBegun::WantsResumption(error) } else { NotBegun::Failed(error) }
}

/// 522 (vsftpd), 425 (ProFTPD, newer FileZilla Server), 450 with words (older FileZilla Server).
fn wants_resumption(reply: &Reply) -> bool {
    matches!(reply.code, 425 | 522) || (reply.code == 450 && reply.text().to_ascii_lowercase().contains("resum"))
}

fn learn_full_handshakes(is_full_handshake: bool, quirks: &Quirks) {
    if is_full_handshake {
        quirks.learn(Quirk::TakesFullHandshakes);
    }
}
