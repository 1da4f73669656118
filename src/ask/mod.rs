//! The questions the engine may ask a person, and who may answer them. Protocol code never sees this room.

mod channel;
mod prompter;
mod question;
mod scripted;

pub use channel::{Ask, ChannelPrompter, Question, Reply};
pub use prompter::{Declined, Prompter, Refuse};
pub use question::{
    ConflictAction, ConflictAnswer, ConflictQuestion, FileFacts, InteractivePrompt, InteractiveQuestion, Scope, SecretAnswer,
    SecretPurpose, SecretQuestion, TrustAnswer, TrustQuestion, TrustReply,
};
pub use scripted::ScriptedPrompter;
