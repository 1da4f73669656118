//! A plan stays small: what a row costs, and that only what differs is held.

use super::*;

#[tokio::test]
async fn a_row_costs_little_and_what_is_the_same_costs_nothing() {
    let two = Two::new();
    for at in 0..20_000 {
        two.left.put(&path(&format!("/l/folder-{:03}/a-file-of-some-name-{at:07}.dat", at / 100)), b"").unwrap();
    }
    let plan = two.compare(mirror()).await;
    assert_eq!(plan.len(), 20_200);
    assert!(plan.bytes_held() < plan.len() * 96, "{} bytes for {} rows", plan.bytes_held(), plan.len());
    let staged = two.apply(plan).await;
    assert_eq!((staged.report.failed, staged.report.done), (0, 20_200));
    let plan = two.compare(mirror()).await;
    assert_eq!((plan.len(), plan.same), (0, 20_200));
    assert!(plan.bytes_held() < 10_000, "{}", plan.bytes_held());
}
