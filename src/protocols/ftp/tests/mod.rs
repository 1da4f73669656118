//! The client against servers that behave well, badly and hostile, over real sockets.

mod connecting;
mod script;
mod working;
