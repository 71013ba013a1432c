//! Progress of trainings and experiments.

use isoloss::{
    recipes,
    train::{self, Record},
};

use crate::progress::{Progress, Task};

/// Shows a training, or an experiment made of several stages.
#[derive(Debug)]
pub(crate) struct Watch {
    progress: Progress,
    title: String,
    task: Task,
    done: u64,
    /// What the last evaluation said.
    test: String,
}

impl Watch {
    /// Shows nothing until something starts.
    pub(crate) fn new(progress: Progress) -> Self {
        Self { progress, title: "training".to_owned(), task: Task::Silent, done: 0, test: String::new() }
    }
}

impl train::Observer for Watch {
    fn started(&mut self, total: u64, done: u64) {
        self.task = self.progress.task(&self.title, total, "steps");
        self.test.clear();
        self.task.at(done, "");
    }

    fn step(&mut self, step: train::Step) {
        self.task.at(step.number, format_args!("loss {:.4}{}", step.loss, self.test));
    }

    fn epoch(&mut self, record: &Record) {
        if let Some(test) = &record.test {
            self.test = match test.accuracy {
                Some(accuracy) => format!(", test {:.2} %", 100.0 * accuracy),
                None => format!(", test {:.4}", test.loss),
            };
        }
    }

    fn finished(&mut self, _: &train::Outcome) {
        self.task = Task::Silent;
    }
}

impl recipes::Progress for Watch {
    fn stage(&mut self, title: &str, total: Option<u64>) {
        title.clone_into(&mut self.title);
        self.done = 0;
        self.task = total.map_or(Task::Silent, |total| self.progress.task(title, total, "done"));
    }

    fn tick(&mut self) {
        self.done += 1;
        self.task.at(self.done, "");
    }
}
