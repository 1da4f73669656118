//! The codec against hostile bytes, files against a scripted server, connections against an SSH server in this process.

mod codec;
mod connections;
mod files;
mod scripted;
