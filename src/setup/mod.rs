//! From settings, environment and the command line's choices to an engine's services: what both faces start with.

mod given;
mod services;
mod ssh;

pub use given::{GivenAnswers, SecretSource};
pub(crate) use services::variable;
pub use services::{Choices, Setup, SetupError};
pub use ssh::Tell;
