//! Questions as messages to a screen. Dropping a question is a refusal; a question whose asker is gone is withdrawn.

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::prompter::{Declined, Prompter};
use super::question::{ConflictAnswer, ConflictQuestion, InteractiveQuestion, SecretAnswer, SecretQuestion, TrustQuestion, TrustReply};
use crate::secrets::Secret;

/// A question with the way to answer it.
pub struct Ask<Q, A> {
    /// What is asked.
    pub about: Q,
    /// Where the answer goes.
    pub reply: Reply<A>,
}

/// Takes one answer. Dropped without one, the asker hears [`Declined`].
pub struct Reply<A>(oneshot::Sender<A>);

impl<A> Reply<A> {
    /// Answers; nothing happens if the asker is gone.
    pub fn send(self, answer: A) {
        drop(self.0.send(answer));
    }

    /// Whether the asker is gone, so that the dialog should close.
    pub fn is_withdrawn(&self) -> bool {
        self.0.is_closed()
    }
}

/// Any question.
pub enum Question {
    /// See [`Prompter::trust`].
    Trust(Ask<TrustQuestion, TrustReply>),
    /// See [`Prompter::secret`].
    Secret(Ask<SecretQuestion, SecretAnswer>),
    /// See [`Prompter::interactive`].
    Interactive(Ask<InteractiveQuestion, Vec<Secret>>),
    /// See [`Prompter::conflict`].
    Conflict(Ask<ConflictQuestion, ConflictAnswer>),
}

impl Question {
    /// Whether the asker is gone, so that the dialog should close.
    pub fn is_withdrawn(&self) -> bool {
        match self {
            Self::Trust(ask) => ask.reply.is_withdrawn(),
            Self::Secret(ask) => ask.reply.is_withdrawn(),
            Self::Interactive(ask) => ask.reply.is_withdrawn(),
            Self::Conflict(ask) => ask.reply.is_withdrawn(),
        }
    }
}

/// Sends questions to whoever holds the receiver.
#[derive(Clone)]
pub struct ChannelPrompter(mpsc::Sender<Question>);

impl ChannelPrompter {
    /// A prompter and the queue its questions arrive in. More than a few at once wait.
    pub fn new() -> (Self, mpsc::Receiver<Question>) {
        let (sender, receiver) = mpsc::channel(16);
        (Self(sender), receiver)
    }

    async fn ask<Q, A>(&self, about: Q, wrap: impl FnOnce(Ask<Q, A>) -> Question) -> Result<A, Declined> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(wrap(Ask { about, reply: Reply(sender) })).await.map_err(|_| Declined)?;
        receiver.await.map_err(|_| Declined)
    }
}

#[async_trait]
impl Prompter for ChannelPrompter {
    async fn trust(&self, question: TrustQuestion) -> Result<TrustReply, Declined> {
        self.ask(question, Question::Trust).await
    }

    async fn show(&self, question: TrustQuestion) {
        // There is nothing to decide.
        let _seen = self.ask(question, Question::Trust).await;
    }

    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined> {
        self.ask(question, Question::Secret).await
    }
    async fn interactive(&self, question: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        self.ask(question, Question::Interactive).await
    }
    async fn conflict(&self, question: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        self.ask(question, Question::Conflict).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{ConflictAction, FileFacts, Scope};
    use crate::model::{Difference, Entry, EntryName, FilePath, Kind};

    fn question() -> ConflictQuestion {
        let entry = Entry::new(*b"x", Kind::File);
        let facts = || FileFacts { path: FilePath::root(), kind: Kind::File, size: None, modified: None };
        let name = || EntryName::try_from("x (2)").unwrap();
        ConflictQuestion {
            source: facts(),
            target: facts(),
            difference: Difference::between(&entry, &entry),
            free_name: name(),
            dated_name: name(),
            can_resume: false,
            is_collision: false,
        }
    }

    #[tokio::test]
    async fn an_answer_arrives_and_a_dropped_question_is_a_refusal() {
        let (prompter, mut questions) = ChannelPrompter::new();
        let answer = ConflictAnswer { action: ConflictAction::Skip, scope: Scope::This };
        let screen = async {
            let Some(Question::Conflict(ask)) = questions.recv().await else { unreachable!() };
            ask.reply.send(answer);
            drop(questions.recv().await);
        };
        let asker = async { (prompter.conflict(question()).await, prompter.conflict(question()).await) };
        let (answers, ()) = tokio::join!(asker, screen);
        assert_eq!(answers, (Ok(answer), Err(Declined)));
    }

    #[tokio::test]
    async fn a_question_nobody_waits_for_is_withdrawn() {
        let (prompter, mut questions) = ChannelPrompter::new();
        let asker = tokio::spawn(async move { prompter.conflict(question()).await });
        let pending = questions.recv().await.unwrap();
        assert!(!pending.is_withdrawn());
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        assert!(pending.is_withdrawn());
    }
}
