//! The client against servers that behave well, badly and hostile, over real sockets.

mod charset;
mod connecting;
mod facts;
mod pipelining;
mod script;
mod text;
mod working;
