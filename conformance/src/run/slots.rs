//! How checks that run at the same time share the processors.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// So many cases may be at work at the same time, whichever check they belong to.
///
/// ```
/// use hookproof::run::Slots;
///
/// let slots = Slots::new(1);
/// let first = slots.take();
/// drop(first);
/// let _second = slots.take();
/// ```
#[derive(Debug, Clone)]
pub struct Slots(Arc<(Mutex<usize>, Condvar)>);

impl Slots {
    /// `count` slots, at least one.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Slots(Arc::new((Mutex::new(count.max(1)), Condvar::new())))
    }

    /// A slot, as soon as one is free. It is free again when the value is dropped.
    #[must_use]
    pub fn take(&self) -> Slot {
        let (free, changed) = &*self.0;
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = changed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(Arc::clone(&self.0))
    }
}

/// A slot that is taken.
#[derive(Debug)]
pub struct Slot(Arc<(Mutex<usize>, Condvar)>);

impl Drop for Slot {
    fn drop(&mut self) {
        let (free, changed) = &*self.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::Slots;

    #[test]
    fn no_more_than_there_are_slots_are_at_work() {
        let slots = Slots::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.take();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
    }
}
