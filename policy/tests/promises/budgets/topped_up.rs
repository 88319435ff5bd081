//! What an operator adds (X3).

use super::*;

/// X3: what is added lets exactly so much pass, wherever each account stands; where as much is left nothing is added, and a
/// gateway's day is nobody's to add to.
#[test]
fn what_is_added_lets_so_much_pass_and_no_more() {
    let documents = documents();
    let odile = odile(&documents);
    let operator = odile.as_operator(&documents, t0()).unwrap();
    let code = code_of(t0());
    let widening = operator.to_widen(&code).unwrap();
    let slow = AtLimit::Slow {
        rate: ByteRate::TRICKLE,
        ceiling: Percent::CEILING,
    };
    let level = |level, at_limit, limit, spent| {
        let budget = Budget {
            level,
            way: Way::Down,
            bytes: Limit::Bytes(ByteCount::new(limit)),
            warn: Percent::WARN,
            at_limit,
        };
        (budget, Spent(ByteCount::new(spent)))
    };
    let levels = [
        level(Level::Node, AtLimit::Hold, 100, 100),
        level(Level::Client, AtLimit::End, 1_000, 10),
        level(Level::Intervention, AtLimit::Hold, 100, 80),
        level(Level::Session, slow, 100, 110),
    ];
    let more = widening.top_up(&levels, ByteCount::new(50));
    assert_eq!(more, [0, 0, 30, 60].map(ByteCount::new));
    let after: Vec<_> = levels
        .iter()
        .zip(more)
        .skip(1)
        .map(|((budget, spent), more)| (budget.with_more(more), *spent))
        .collect();
    let granted = grant(&after, ByteCount::MAX, ByteCount::MAX);
    assert_eq!((granted.bytes, granted.pace), (ByteCount::new(50), None));
    let holds = levels.map(|(budget, _)| budget.holds());
    assert_eq!(holds, [false, false, true, true]);
}
