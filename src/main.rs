//! The program: parses the command line, chooses the face, answers with the exit code.

fn main() {}
