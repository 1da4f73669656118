//! The codec against hostile bytes, files against a scripted server, connections against an SSH server in this process.

mod codec;
mod connections;
mod digests;
mod files;
mod many_channels;
mod order;
mod scripted;
mod turns;
