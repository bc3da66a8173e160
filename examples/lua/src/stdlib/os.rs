//! `os`.

use super::module;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::function::{Args, NativeFn, Outcome};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("clock", clock),
    ("date", date),
    ("difftime", difftime),
    ("execute", execute),
    ("exit", exit),
    ("getenv", getenv),
    ("remove", remove),
    ("rename", rename),
    ("setlocale", setlocale),
    ("time", time),
    ("tmpname", tmpname),
];

pub fn open(vm: &mut Vm<'_>) {
    module(vm, "os", FUNCTIONS);
}

/// What the system says about an error, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

fn clock(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let seconds = cpu_time().unwrap_or_else(|| vm.started.elapsed().as_secs_f64());
    vm.ret(args, seconds)
}

/// The time that the thread has run, where the system tells it in a file.
fn cpu_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs() as i64)
}

/// A day and a time of day, in UTC.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: i64,
    yearday: i64,
}

/// Days since 1970-01-01 of a date; the month may be beyond 1 to 12.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    // Years that start in March have the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil(time: i64) -> Civil {
    let (days, rest) = (time.div_euclid(86_400), time.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Civil {
        year,
        month,
        day,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: (days + 4).rem_euclid(7),
        yearday: days - days_from_civil(year, 1, 1),
    }
}

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One conversion of `os.date`; none if there is no such.
fn date_part(it: &Civil, letter: char) -> Option<String> {
    let (weekday, month) = (DAYS[it.weekday as usize], MONTHS[it.month as usize - 1]);
    let hour12 = (it.hour + 11) % 12 + 1;
    let part = |letter| date_part(it, letter).unwrap_or_default();
    Some(match letter {
        'a' => weekday[..3].to_string(),
        'A' => weekday.to_string(),
        'b' | 'h' => month[..3].to_string(),
        'B' => month.to_string(),
        'c' => format!("{} {} {:2} {} {}", part('a'), part('b'), it.day, part('T'), it.year),
        'C' => format!("{:02}", it.year.div_euclid(100)),
        'd' => format!("{:02}", it.day),
        'D' | 'x' => format!("{:02}/{:02}/{:02}", it.month, it.day, it.year.rem_euclid(100)),
        'e' => format!("{:2}", it.day),
        'F' => format!("{}-{:02}-{:02}", it.year, it.month, it.day),
        'H' => format!("{:02}", it.hour),
        'I' => format!("{hour12:02}"),
        'j' => format!("{:03}", it.yearday + 1),
        'm' => format!("{:02}", it.month),
        'M' => format!("{:02}", it.minute),
        'n' => "\n".to_string(),
        'p' => (if it.hour < 12 { "AM" } else { "PM" }).to_string(),
        'r' => format!("{hour12:02}:{:02}:{:02} {}", it.minute, it.second, part('p')),
        'R' => format!("{:02}:{:02}", it.hour, it.minute),
        'S' => format!("{:02}", it.second),
        't' => "\t".to_string(),
        'T' | 'X' => format!("{:02}:{:02}:{:02}", it.hour, it.minute, it.second),
        'u' => ((it.weekday + 6) % 7 + 1).to_string(),
        'U' => format!("{:02}", (it.yearday + 7 - it.weekday) / 7),
        'W' => format!("{:02}", (it.yearday + 7 - (it.weekday + 6) % 7) / 7),
        'w' => it.weekday.to_string(),
        'y' => format!("{:02}", it.year.rem_euclid(100)),
        'Y' => it.year.to_string(),
        'z' => "+0000".to_string(),
        'Z' => "GMT".to_string(),
        '%' => "%".to_string(),
        _ => return None,
    })
}

fn date(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let format = vm.opt_str(args, 1)?.map_or("%c".to_string(), |it| it.to_text());
    let time = if vm.arg(args, 2).is_nil() { now() } else { vm.check_int(args, 2)? };
    let format = format.strip_prefix('!').unwrap_or(&format);
    let it = civil(time);
    if format.starts_with("*t") {
        return date_table(vm, args, &it);
    }
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        // Modifiers for alternative forms, which are the usual ones here.
        let has_modifier = ["Ec", "EC", "Ex", "EX", "Ey", "EY", "Od", "Oe", "OH", "OI", "Om"]
            .iter()
            .chain(&["OM", "OS", "Ou", "OU", "OV", "Ow", "OW", "Oy"])
            .any(|it| rest.starts_with(it));
        let mut letters = rest[usize::from(has_modifier)..].chars();
        match letters.next().and_then(|letter| date_part(&it, letter)) {
            Some(part) => text.push_str(&part),
            None => {
                let message = format!("invalid conversion specifier '%{rest}'");
                return Err(vm.arg_error(1, &message));
            }
        }
        rest = letters.as_str();
    }
    text.push_str(rest);
    vm.ret_str(args, text.as_bytes())
}

fn date_table(vm: &mut Vm<'_>, args: Args, it: &Civil) -> Result<Outcome> {
    let table = vm.heap.new_table(0, 9);
    let fields = [
        ("year", it.year),
        ("month", it.month),
        ("day", it.day),
        ("hour", it.hour),
        ("min", it.minute),
        ("sec", it.second),
        ("yday", it.yearday + 1),
        ("wday", it.weekday + 1),
    ];
    for (name, value) in fields {
        vm.set_field(table, name, Value::Int(value));
    }
    vm.set_field(table, "isdst", Value::from(false));
    vm.ret(args, table)
}

fn time(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    if vm.arg(args, 1).is_nil() {
        return vm.ret(args, now());
    }
    let table = vm.check_table(args, 1)?;
    let mut field = |name: &str, default: Option<i64>| {
        let value = vm.get_field(table, name);
        match (crate::vm::meta::coerced(value).and_then(crate::vm::arith::to_int), default) {
            (Some(it), _) => Ok(it),
            (None, Some(default)) if value.is_nil() => Ok(default),
            (None, _) if value.is_nil() => {
                Err(vm.error(&format!("field '{name}' missing in date table")))
            }
            (None, _) => Err(vm.error(&format!("field '{name}' is not an integer"))),
        }
    };
    let (year, month, day) = (field("year", None)?, field("month", None)?, field("day", None)?);
    let (hour, minute) = (field("hour", Some(12))?, field("min", Some(0))?);
    let second = field("sec", Some(0))?;
    let days = days_from_civil(year, month, 1) + day - 1;
    vm.ret(args, days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn difftime(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let difference = vm.check_float(args, 1)? - vm.check_float(args, 2)?;
    vm.ret(args, difference)
}

fn execute(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let Some(command) = vm.opt_str(args, 1)? else { return vm.ret(args, true) };
    vm.output.flush();
    let status = std::process::Command::new("sh").arg("-c").arg(command.to_text()).status();
    match status {
        Ok(status) => {
            let kind = vm.str(b"exit");
            let code = i64::from(status.code().unwrap_or(1));
            let first = if code == 0 { Value::from(true) } else { Value::Nil };
            vm.ret_all(args, &[first, kind, Value::Int(code)])
        }
        Err(error) => vm.ret_failure(args, &reason(&error), 1),
    }
}

fn exit(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let code = match vm.arg(args, 1) {
        Value::Nil | Value::True => 0,
        Value::False => 1,
        _ => vm.check_int(args, 1)? as i32,
    };
    vm.output.flush();
    std::process::exit(code)
}

fn getenv(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?.to_text();
    match std::env::var(name) {
        Ok(value) => vm.ret_str(args, value.as_bytes()),
        Err(_) => vm.ret(args, Value::Nil),
    }
}

fn file_result(vm: &mut Vm<'_>, args: Args, name: &str, result: io::Result<()>) -> Result<Outcome> {
    match result {
        Ok(()) => vm.ret(args, true),
        Err(error) => {
            let message = format!("{name}: {}", reason(&error));
            vm.ret_failure(args, &message, i64::from(error.raw_os_error().unwrap_or(0)))
        }
    }
}

fn remove(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?.to_text();
    let is_folder = std::path::Path::new(&name).is_dir();
    let result = if is_folder { std::fs::remove_dir(&name) } else { std::fs::remove_file(&name) };
    file_result(vm, args, &name, result)
}

fn rename(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (from, to) = (vm.check_str(args, 1)?.to_text(), vm.check_str(args, 2)?.to_text());
    match std::fs::rename(from, to) {
        Ok(()) => vm.ret(args, true),
        Err(error) => {
            let code = i64::from(error.raw_os_error().unwrap_or(0));
            vm.ret_failure(args, &reason(&error), code)
        }
    }
}

fn setlocale(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    match vm.opt_str(args, 1)?.map(|it| it.to_text()).as_deref() {
        None | Some("" | "C" | "POSIX") => vm.ret_str(args, b"C"),
        Some(_) => vm.ret(args, Value::Nil),
    }
}

fn tmpname(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let unique = vm.started.elapsed().as_nanos() as u64 ^ vm.random.next();
    let name = format!("lua_{}_{unique:x}", std::process::id());
    let path = std::env::temp_dir().join(name);
    match std::fs::File::create_new(&path) {
        Ok(_) => vm.ret_str(args, path.to_string_lossy().as_bytes()),
        Err(_) => Err(vm.error("unable to generate a unique filename")),
    }
}
