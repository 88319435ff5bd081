//! The numbers of receipts: one client's own, without a gap, whoever draws them (P10).

use ecluse_policy::ClientId;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::receipts::NUMBER;
use crate::store::testing::{on_each_engine, records_of};

fn receipt(client: &str) -> AuditRecord {
    let client = ClientId::parse(client).unwrap();
    let record = AuditRecord::new(AuditKind::Receipt, at(1)).client(&client);
    record.detail("way", "out")
}

/// P10: what is no receipt of a file draws no number, of whatever kind its entry is.
#[test]
fn p10_a_count_draws_no_number() {
    on_each_engine(async |store| {
        let client = ClientId::parse("hopital").unwrap();
        let count = AuditRecord::new(AuditKind::Receipt, at(1)).client(&client);
        let count = count.detail("count", 3);
        let records = [receipt("hopital"), count, receipt("hopital")];
        store.record(&records).await.unwrap();
        let all = records_of(store, &[AuditKind::Receipt]).await;
        let numbers: Vec<_> = all
            .iter()
            .map(|one| one.detail.get(NUMBER).and_then(|number| number.as_u64()))
            .collect();
        assert_eq!(numbers, [Some(1), None, Some(2)]);
    });
}

/// P10: two processes that write at once draw no number twice and leave none out; a change that does not happen draws none; no
/// client's numbers are another's, and what stands beside a receipt has none.
#[test]
fn p10_numbers_of_receipts_have_no_gap() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let cut = AuditRecord::new(AuditKind::Cut, at(1));
        for round in 0..5 {
            let here = [receipt("hopital"), cut.clone(), receipt("hopital")];
            let there = [receipt("hopital"), receipt("mairie")];
            let (one, two) = tokio::join!(store.record(&here), other.record(&there));
            one.unwrap();
            two.unwrap();
            if round == 2 {
                let mut undone = store.write().await.unwrap();
                undone.append(&receipt("hopital")).await.unwrap();
                drop(undone);
            }
        }
        let all = records_of(store, &[AuditKind::Receipt, AuditKind::Cut]).await;
        let numbers = |client: &str| -> Vec<u64> {
            let of = all.iter().filter(|record| {
                let whose = record.client.as_ref().map(ClientId::as_str);
                whose == Some(client)
            });
            of.map(|record| record.detail[NUMBER].as_u64().unwrap())
                .collect()
        };
        assert_eq!(numbers("hopital"), (1..=15).collect::<Vec<u64>>());
        assert_eq!(numbers("mairie"), (1..=5).collect::<Vec<u64>>());
        let mut others = all.iter().filter(|record| record.kind == AuditKind::Cut);
        assert!(others.all(|record| !record.detail.contains_key(NUMBER)));
        other.close().await;
    });
}
