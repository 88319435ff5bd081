//! What passes on a channel at this moment, for whoever looks on.

use super::{LiveChannel, LiveSession};

impl LiveSession {
    /// This passes on a channel.
    pub(crate) fn is_doing(&self, number: u32, what: String) {
        if let Some((channel, _)) = self.lock().channels.get_mut(&number) {
            channel.doing = Some(what);
        }
    }
}

impl LiveChannel {
    /// What it is, and what passes on it; none of a shell.
    pub(crate) fn told(&self) -> Option<String> {
        let command = self.command.as_ref()?;
        Some(match &self.doing {
            // Its program: what passes says the path.
            Some(doing) => {
                let program = command.split(' ').next().unwrap_or_default();
                format!("{program} {doing}")
            }
            None => command.clone(),
        })
    }
}
