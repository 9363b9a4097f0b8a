//! Tasks that end with whoever started them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{JoinSet, yield_now};

/// Tasks that run until they end, or are dropped with this.
///
/// What a task was made of stays until somebody takes its result, which for the thousands of tasks of a burst is much:
/// [`tidy`](Self::tidy) does that as they end.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    set: Mutex<JoinSet<()>>,
    ended: Arc<Notify>,
}

impl Tasks {
    fn set(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task. May be called from anywhere.
    pub(crate) fn spawn_on(&self, task: impl Future<Output = ()> + Send + 'static, runtime: &Handle) {
        let ended = Arc::clone(&self.ended);
        let task = async move {
            task.await;
            ended.notify_one();
        };
        self.set().spawn_on(task, runtime);
    }

    /// Takes away what ended tasks leave behind, for ever.
    pub(crate) async fn tidy(&self) {
        loop {
            self.ended.notified().await;
            // A task has ended a moment after it says so.
            yield_now().await;
            let mut set = self.set();
            while set.try_join_next().is_some() {}
        }
    }

    /// All that run.
    pub(crate) fn take(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.set())
    }

    /// How many there are, ended ones that were not taken away included.
    pub(crate) fn len(&self) -> usize {
        self.set().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_ended_leaves_nothing_behind() {
        let tasks = Tasks::default();
        let tidying = async {
            tokio::select! {
                () = tasks.tidy() => {}
                () = async {
                    for _ in 0..100 {
                        tasks.spawn_on(async {}, &Handle::current());
                    }
                    while tasks.len() > 0 {
                        yield_now().await;
                    }
                } => {}
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), tidying).await.unwrap();
        tasks.spawn_on(std::future::pending(), &Handle::current());
        assert_eq!((tasks.take().len(), tasks.len()), (1, 0));
    }
}
