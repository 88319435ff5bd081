//! What several time servers say together: the median of those that agree, where most do.
//!
//! One liar among three is outvoted; one of two leaves no answer, and that is said (N7). Pure.

use super::sntp::Answer;

/// How far apart servers may be and still agree, beyond the error each states itself.
pub(super) const TOGETHER: i64 = 100_000;

/// What the answers come to. Indices are those of the answers given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Agreement {
    /// More than half of at least two agree.
    Agreed {
        /// The median of their offsets.
        offset_us: i64,
        /// The largest error among them.
        error_us: i64,
        /// Who.
        who: Vec<usize>,
    },
    /// One answered: believed for want of another.
    Alone {
        /// Its answer.
        answer: Answer,
        /// Which.
        who: usize,
    },
    /// They contradict one another.
    Disagreed,
    /// Nobody answered.
    Silence,
}

/// Compares answers; `None` for those who gave none.
pub(super) fn agree(answers: &[Option<Answer>]) -> Agreement {
    let mut given: Vec<(usize, Answer)> = answers
        .iter()
        .enumerate()
        .filter_map(|(index, answer)| Some((index, (*answer)?)))
        .collect();
    given.sort_by_key(|(_, answer)| answer.offset_us);
    match given.as_slice() {
        [] => return Agreement::Silence,
        [(who, answer)] => {
            return Agreement::Alone {
                answer: *answer,
                who: *who,
            };
        }
        _ => {}
    }
    // In order of offsets, those who agree with one another stand side by side.
    let groups = (0..given.len()).filter_map(|first| {
        let rest = given.get(first..)?;
        let lowest = &rest.first()?.1;
        let length = rest
            .iter()
            .take_while(|(_, answer)| together(lowest, answer))
            .count();
        rest.get(..length)
    });
    let largest = groups.max_by_key(|group| group.len()).unwrap_or_default();
    if largest.len() * 2 <= given.len() {
        return Agreement::Disagreed;
    }
    let (low, high) = (
        largest.get((largest.len() - 1) / 2),
        largest.get(largest.len() / 2),
    );
    let (Some((_, low)), Some((_, high))) = (low, high) else {
        return Agreement::Disagreed;
    };
    Agreement::Agreed {
        offset_us: low
            .offset_us
            .saturating_add(high.offset_us.saturating_sub(low.offset_us) / 2),
        error_us: largest
            .iter()
            .map(|(_, answer)| answer.error_us)
            .max()
            .unwrap_or(0),
        who: largest.iter().map(|(index, _)| *index).collect(),
    }
}

fn together(one: &Answer, other: &Answer) -> bool {
    let apart = one.offset_us.abs_diff(other.offset_us);
    let allowed = TOGETHER
        .saturating_add(one.error_us)
        .saturating_add(other.error_us);
    i64::try_from(apart).is_ok_and(|apart| apart <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(offset_us: i64) -> Option<Answer> {
        Some(Answer {
            offset_us,
            error_us: 1_000,
            stratum: 2,
        })
    }

    #[test]
    fn one_liar_among_three_is_outvoted() {
        for liar in [-9_000_000_000, 700_000, 9_000_000_000] {
            let said = agree(&[says(1_000), says(liar), says(3_000)]);
            let Agreement::Agreed {
                offset_us, mut who, ..
            } = said
            else {
                panic!("{said:?}");
            };
            who.sort_unstable();
            assert_eq!((offset_us, who), (2_000, vec![0, 2]));
        }
    }

    #[test]
    fn one_liar_of_two_leaves_no_answer() {
        assert_eq!(agree(&[says(0), says(60_000_000)]), Agreement::Disagreed);
        assert_eq!(
            agree(&[says(0), says(1), says(60_000_000), says(60_000_001)]),
            Agreement::Disagreed
        );
    }

    #[test]
    fn the_median_of_those_who_agree_counts() {
        let said = agree(&[says(4_000), says(0), says(50_000), None]);
        let Agreement::Agreed {
            offset_us,
            error_us,
            who,
        } = said
        else {
            panic!("{said:?}");
        };
        assert_eq!((offset_us, error_us), (4_000, 1_000));
        assert_eq!(who, [1, 0, 2]);
    }

    #[test]
    fn one_answer_stands_alone_and_none_is_silence() {
        assert!(matches!(
            agree(&[None, says(7)]),
            Agreement::Alone { who: 1, .. }
        ));
        assert_eq!(agree(&[None, None]), Agreement::Silence);
        assert_eq!(agree(&[]), Agreement::Silence);
    }

    #[test]
    fn extremes_do_not_make_it_stumble() {
        assert_eq!(
            agree(&[says(i64::MIN), says(i64::MAX)]),
            Agreement::Disagreed
        );
    }
}
