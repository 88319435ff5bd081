//! What is taken off a screen is given, whatever takes it.

use super::*;
use crate::model::Model;
use crate::screen::hostile;
use avt::observer::{Observation, Observer};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

struct Watched(Ink);

impl Observer for Watched {
    type Output = ();

    fn dirty(&mut self, rows: Range<usize>) {
        self.0.dirty(rows);
    }

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        self.0.before(context.terminal(), operation);
    }

    fn after(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        self.0.after(context.terminal(), operation);
    }

    fn evicted(&mut self, _: &mut Observation<'_>, _: &avt::Line) {
        assert!(self.0.leaves().is_some());
    }

    fn end(&mut self, context: &mut Observation<'_>) {
        assert_eq!(self.0.leaving.len(), 0);
        let shown: Vec<String> = context
            .terminal()
            .screen()
            .visible_lines()
            .map(|line| {
                let mut text = String::new();
                crate::rows::write(line, &self.0.notes.marked, &mut text);
                text.trim_end().to_owned()
            })
            .collect();
        let rows = &self.0.alternate.as_ref().unwrap_or(&self.0.first).rows;
        let known: Vec<String> = rows
            .iter()
            .map(|row| row.text(&self.0.notes.marked))
            .collect();
        assert_eq!(known, shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, rng_seed: RngSeed::Fixed(23), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// What is known of the screens is what they show, whatever is printed.
    #[test]
    fn it_knows_what_the_model_shows(
        steps in proptest::collection::vec((any::<u32>(), any::<u16>(), hostile()), 0..30)
    ) {
        let size = Size::clamped(20, 6);
        let mut model = Model::new(size);
        let mut watched = Watched(Ink::new(size, model.marked().clone()));
        for (nth, (cols, rows, bytes)) in (0u64..).zip(steps) {
            model.passes(nth * 1_000_000);
            watched.0.passes(nth * 1_000_000);
            if cols % 4 == 0 {
                let size = Size::clamped(cols % 40 + 1, u32::from(rows) % 12 + 1);
                prop_assert!(model.resize(size, &mut watched).is_ok());
            }
            prop_assert!(model.feed(&String::from_utf8_lossy(&bytes), &mut watched).is_ok());
        }
    }
}
