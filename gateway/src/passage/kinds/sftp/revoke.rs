//! A line was lost while it was in use.

use std::time::Instant;

use super::Step;
use super::interceptor::{Phase, Sftp};
use super::operation::Operation;
use super::task::{Stage, Task};

impl Sftp {
    /// Asks for everything that is open, waits or is on its way whether it still stands, and ends what does not: what is
    /// open is closed on the target, what comes of it later is refused, and so is each later use, with the words.
    ///
    /// `holds` answers without asking anybody: somebody's yes of before stands as long as the line does.
    pub(crate) fn revoke(
        &mut self,
        at: Instant,
        holds: &mut dyn FnMut(&Operation) -> Result<(), String>,
        out: &mut Vec<Step>,
    ) {
        // Nothing passes any more, this neither.
        if self.phase == Phase::Stopped {
            return;
        }
        let mut lost = Vec::new();
        let named = self.handles.named();
        for (key, open) in self.handles.iter_mut() {
            if open.withdrawn.is_none()
                && let Err(words) = holds(&open.operation)
            {
                open.withdrawn = Some(words);
                // What is being closed is closed: a second close would be that of whatever the target calls so by then.
                if named.contains(&key) {
                    lost.push((key, open.theirs.clone()));
                }
            }
        }
        lost.sort_unstable();
        for (_, theirs) in lost {
            self.close_on_target(&theirs, out);
        }
        let mut refused = Vec::new();
        for task in &mut self.tasks {
            if let Some(passed) = &mut task.passed {
                passed.withdrawn = holds(&passed.operation).err();
            } else if let Some(agreed) = &task.agreed
                && let Err(words) = holds(agreed)
            {
                // What is judged later is asked for as if nobody had agreed.
                let agreed = task.agreed.take();
                if matches!(task.stage, Stage::Parked(_)) {
                    task.stage = Stage::Done;
                    refused.push((task.id, agreed, words));
                }
            }
        }
        for (id, agreed, words) in refused {
            let place = self.tasks.iter().position(|task: &Task| task.id == id);
            if let Some(task) = place.and_then(|place| self.tasks.remove(place)) {
                self.refuse_task(&task, agreed, words, at, out);
            }
        }
    }
}
