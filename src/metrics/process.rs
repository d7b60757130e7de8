//! This process, read when it is asked for: memory, processor time, open files, start, version.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus::{
    Counter, Gauge, IntGauge, IntGaugeVec,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::{gauge, gauges, made, whole};

/// The kernel's clock ticks of `/proc`, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE: i64 = 4096;

pub(super) struct Readings {
    memory: IntGauge,
    processor: Counter,
    files: IntGauge,
    start: Gauge,
    build: IntGaugeVec,
}

impl Default for Readings {
    fn default() -> Self {
        let start = made(Gauge::new("process_start_time_seconds", "Start of this process, in seconds since 1970."));
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        let build = gauges("impaas_build_info", "1; the label says which version runs.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self {
            memory: gauge("process_resident_memory_bytes", "Resident memory in bytes."),
            processor: made(Counter::new("process_cpu_seconds_total", "Processor time in seconds.")),
            files: gauge("process_open_fds", "Open files and sockets."),
            start,
            build,
        }
    }
}

impl Readings {
    fn read(&self) {
        let field = |text: &str, index| text.split_whitespace().nth(index).and_then(|word| word.parse::<u32>().ok());
        if let Some(pages) = fs::read_to_string("/proc/self/statm").ok().and_then(|text| field(&text, 1)) {
            self.memory.set(i64::from(pages) * PAGE);
        }
        // The command's name stands in brackets and may hold spaces.
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        if let (Some(user), Some(system)) = (field(rest, 11), field(rest, 12)) {
            let now = (f64::from(user) + f64::from(system)) / TICKS_PER_SECOND;
            self.processor.inc_by((now - self.processor.get()).max(0.0));
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.files.set(whole(open.count()));
        }
    }
}

impl Collector for Readings {
    fn desc(&self) -> Vec<&Desc> {
        [self.memory.desc(), self.processor.desc(), self.files.desc(), self.start.desc(), self.build.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        [self.memory.collect(), self.processor.collect(), self.files.collect(), self.start.collect(), self.build.collect()].concat()
    }
}
