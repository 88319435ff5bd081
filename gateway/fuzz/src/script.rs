//! A script: bytes that are read as decisions, as long as there are any.

/// What is left of it.
pub(crate) struct Script<'d>(pub(crate) &'d [u8]);

impl<'d> Script<'d> {
    /// The next decision; none at the end.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next, where one is needed.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    /// A number that is small as a rule, and now and then as large as it gets.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ ..240 => u64::from(small),
            240..245 => u64::from(u32::MAX) - u64::from(self.byte()),
            245..250 => u64::MAX - u64::from(self.byte()),
            _ => u64::from(self.byte()) << (self.byte() % 56),
        }
    }

    /// The next bytes, as many as are there.
    pub(crate) fn bytes(&mut self) -> &'d [u8] {
        let most = usize::from(self.byte()) % 128;
        let (first, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        first
    }

    /// One of these.
    pub(crate) fn among<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    /// A path: one that leads somewhere of interest, several behind one another, or anything.
    pub(crate) fn path(&mut self) -> Vec<u8> {
        const PARTS: &[&[u8]] = &[
            b"/srv/in",
            b"file",
            b"d",
            b"x",
            b"link",
            b"up",
            b"root",
            b"new",
            b"wait",
            b"..",
            b".",
            b"",
            b"/",
            b"/proc/self/root",
            b"caf\xe9",
            b"/etc/shadow",
            b"own",
            b"nothing",
            b"/srv",
            b"~",
        ];
        match self.byte() {
            250.. => self.bytes().to_vec(),
            many => {
                let parts: Vec<&[u8]> = (0..1 + many % 4).map(|_| self.among(PARTS)).collect();
                parts.join(&b'/')
            }
        }
    }
}
