//! Plans as files.

use super::*;
use SyncSide::{Left, Right};

async fn sample() -> (Two, Plan) {
    let two = Two::new();
    two.put(Left, "new", "1234", 7).await;
    two.put(Left, "docs/deep/new", "x", 8).await;
    two.put(Right, "gone/file", "y", 0).await;
    two.put(Left, "changed", "x", 100).await;
    two.put(Right, "changed", "yy", 0).await;
    let name = crate::model::EntryName::new(&b"caf\xe9"[..]).unwrap();
    two.left.put(&path("/l").join(&name), b"x").unwrap();
    let mut plan = two.compare(SyncOptions { rules: Rules { exclude: vec!["*.tmp".into()], ..Rules::default() }, ..mirror() }).await;
    plan.decide(0, Decision::Leave);
    (two, plan)
}

fn text(plan: &Plan) -> Vec<u8> {
    let mut text = Vec::new();
    plan.write(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_is_written_is_read_again_and_does_the_same() {
    let (two, plan) = sample().await;
    let read = Plan::read(&mut &text(&plan)[..]).unwrap();
    assert_eq!(lines(&read), lines(&plan));
    assert_eq!(
        read.rows().map(|row| (row.left, row.right, row.decision)).collect::<Vec<_>>(),
        plan.rows().map(|row| (row.left, row.right, row.decision)).collect::<Vec<_>>()
    );
    assert_eq!((&read.left, &read.options, read.made, read.totals()), (&plan.left, &plan.options, plan.made, plan.totals()));
    assert_eq!(text(&read), text(&plan));
    let staged = two.apply(read).await;
    assert_eq!(staged.report.failed, 0, "{staged:?}");
}

#[tokio::test]
async fn what_is_cut_or_strange_is_refused() {
    let (_, plan) = sample().await;
    let whole = text(&plan);
    for cut in 0..whole.len() {
        assert!(Plan::read(&mut &whole[..cut]).is_err(), "{cut}");
    }
    let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    let without_a_row = [&lines[..1], &lines[2..]].concat().concat();
    assert!(matches!(Plan::read(&mut &without_a_row[..]), Err(PlanFileError::Cut)));
    let text = String::from_utf8(whole).unwrap();
    for (from, to, why) in [
        ("\"sealift_plan\":1", "\"sealift_plan\":2", "version 2"),
        ("docs/deep/new", "../../etc/passwd", "points out of its folder"),
        ("\"docs/deep/new\"", "\"/docs/deep/new\"", "empty"),
        ("\"docs/deep/new\"", "\"docs/\\nnew\"", "line break"),
        ("\"new\",\"action\":\"copy-right\"", "\"new\",\"action\":\"copy-left\"", "does not fit"),
        ("\"kind\":\"file\"", "\"kind\":\"ghost\"", "ghost"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let changed = text.replacen(from, to, 1);
        let error = Plan::read(&mut changed.as_bytes()).map(|plan| super::lines(&plan)).unwrap_err();
        assert!(error.to_string().contains(why), "{error} for {to}");
    }
    assert!(Plan::read(&mut &b"#!/bin/sh\n"[..]).is_err());
}
