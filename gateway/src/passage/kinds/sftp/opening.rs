//! What goes on between a request that was passed on and its answer: whether what is opened is still where it was judged.

use super::flight::ForTask;
use super::operation::Operation;
use super::resolve::{Heard, Last, Progress, Question, Resolution};
use super::task::Questions;
use super::wire::Packet;
use ecluse_policy::capability::files::TargetPath;

/// What was passed on.
#[derive(Debug)]
pub(super) struct Passed {
    /// What policy said yes to.
    pub(super) operation: Operation,
    /// What opens is looked at again before it counts.
    pub(super) opening: Option<Opening>,
    /// The line that it needs was lost meanwhile.
    pub(super) withdrawn: Option<String>,
}

/// What is known of what was opened.
#[derive(Debug)]
pub(super) struct Opening {
    /// Where it must still be.
    pub(super) path: TargetPath,
    /// The answer to the open.
    pub(super) answer: Option<Packet>,
    again: Resolution,
    /// Whether it is still there, once that is known.
    pub(super) is_there: Option<bool>,
    /// Its size, where the target said anything.
    pub(super) size: Option<Option<u64>>,
}

impl Opening {
    /// Looks once more where `path` leads, while it is being opened.
    #[must_use]
    pub(super) fn watch(path: TargetPath, follows: bool, is_file: bool) -> (Self, Questions) {
        let (again, progress) = Resolution::start(path.as_bytes(), Last::Followed, follows, false);
        let mut opening = Self {
            answer: None,
            again,
            is_there: None,
            // Of a directory nobody needs it.
            size: (!is_file).then_some(None),
            path,
        };
        let mut questions = opening.note(progress);
        if is_file {
            questions.push((ForTask::Size, Question::Lstat(opening.path.clone())));
        }
        (opening, questions)
    }

    /// Takes an answer.
    #[must_use]
    pub(super) fn heard(&mut self, question: usize, heard: Heard<'_>) -> Questions {
        if self.is_there.is_some() {
            return Vec::new();
        }
        let progress = self.again.heard(question, heard);
        self.note(progress)
    }

    fn note(&mut self, progress: Progress) -> Questions {
        match progress {
            Progress::Wait => Vec::new(),
            Progress::Over(end) => {
                self.is_there = Some(end.as_ref() == Ok(&self.path));
                Vec::new()
            }
            Progress::Ask(questions) => questions
                .into_iter()
                .map(|(number, question)| {
                    let expected = question.expects();
                    let what = ForTask::Again {
                        question: number,
                        expected,
                    };
                    (what, question)
                })
                .collect(),
        }
    }
}
