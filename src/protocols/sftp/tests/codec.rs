//! The codec against itself and against bytes nobody meant.

use proptest::prelude::*;

use super::super::packet::*;
use bytes::Bytes;

fn packet(kind: u8, fields: &[u8]) -> Vec<u8> {
    let mut bytes = ((fields.len() + 1) as u32).to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend_from_slice(fields);
    bytes
}

fn frames(chunks: &[&[u8]]) -> Result<Vec<Frame>, Malformed> {
    let mut assembler = Assembler::default();
    let mut frames = Vec::new();
    for chunk in chunks {
        assembler.push(Bytes::copy_from_slice(chunk), |frame| {
            frames.push(frame);
            Ok(())
        })?;
    }
    Ok(frames)
}

/// Pieces of data differ with how the bytes came; their text does not.
fn joined(frames: Vec<Frame>) -> Vec<Frame> {
    frames
        .into_iter()
        .map(|frame| match frame {
            Frame::Reply { id, reply: Reply::Data(parts) } => Frame::Reply { id, reply: Reply::Data(vec![parts.concat().into()]) },
            other => other,
        })
        .collect()
}

#[test]
fn requests_carry_their_length_and_id() {
    let bytes = Body::new(kind::WRITE).string(&[0, 0, 0, 0x80]).u64(1).u32(3).finish(7, 3);
    assert_eq!(&bytes[..], [0, 0, 0, 28, kind::WRITE, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3]);
}

#[test]
fn attributes_read_back_and_unknown_extensions_are_skipped() {
    let attributes = Attributes { size: Some(1 << 40), owner: Some((1, 2)), permissions: Some(0o100_644), times: Some((3, 4)) };
    let written = Body::new(kind::SETSTAT).attributes(&attributes).finish(0, 0);
    let mut fields = vec![0, 0, 0, 9];
    fields.extend_from_slice(&written[9..]);
    fields[4] |= 0x80;
    fields.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, b'k', 0, 0, 0, 0]);
    assert_eq!(frames(&[&packet(kind::ATTRS, &fields)]), Ok(vec![Frame::Reply { id: 9, reply: Reply::Attributes(attributes) }]));
}

#[test]
fn a_status_without_words_and_a_version_with_extensions() {
    assert_eq!(
        frames(&[&packet(kind::STATUS, &[0, 0, 0, 1, 0, 0, 0, 4])]),
        Ok(vec![Frame::Reply { id: 1, reply: Reply::Status { code: 4, message: Bytes::new() } }])
    );
    let version = packet(kind::VERSION, &[0, 0, 0, 3, 0, 0, 0, 1, b'a', 0, 0, 0, 1, b'1']);
    assert_eq!(frames(&[&version]), Ok(vec![Frame::Version { version: 3, extensions: vec![("a".into(), "1".into())] }]));
}

#[test]
fn lengths_that_lie_are_refused_before_anything_is_held() {
    for bytes in [
        &b"\xff\xff\xff\xff\x65"[..],
        b"Last login: Mon",
        &[0, 0, 0, 0, 0],
        &[0, 0, 0, 6, kind::DATA, 0, 0, 0, 0, 0, 0, 0, 0],
        &packet(kind::DATA, &[0, 0, 0, 1, 0, 0, 0, 9, 1]),
        &packet(kind::HANDLE, &[0, 0, 0, 1, 0, 0, 0, 9, 1]),
        &packet(kind::NAME, &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
        &packet(99, &[0; 8]),
    ] {
        assert!(frames(&[bytes]).is_err(), "{bytes:?}");
    }
}

fn reply() -> impl Strategy<Value = Vec<u8>> {
    let text = || proptest::collection::vec(any::<u8>(), 0..300);
    let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    prop_oneof![
        (any::<u32>(), text()).prop_map(move |(id, data)| packet(kind::DATA, &[&id.to_be_bytes()[..], &string(&data)].concat())),
        (any::<u32>(), text()).prop_map(move |(id, handle)| packet(kind::HANDLE, &[&id.to_be_bytes()[..], &string(&handle)].concat())),
        (any::<u32>(), any::<u32>(), text()).prop_map(move |(id, code, words)| packet(
            kind::STATUS,
            &[&id.to_be_bytes()[..], &code.to_be_bytes(), &string(&words), &string(b"")].concat()
        )),
    ]
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..10)) {
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        drop(frames(&chunks));
    }

    #[test]
    fn hostile_fields_never_panic(kind in 100_u8..202, fields in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(frames(&[&packet(kind, &fields)]));
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut(replies in proptest::collection::vec(reply(), 1..6), cut in 1_usize..40) {
        let whole = replies.concat();
        let pieces: Vec<&[u8]> = whole.chunks(cut).collect();
        let expected = joined(frames(&[&whole]).unwrap());
        prop_assert_eq!(expected.len(), replies.len());
        prop_assert_eq!(joined(frames(&pieces).unwrap()), expected);
    }
}
