//! The program: reads the arguments, hands over to the command line or the screens, and turns what
//! comes of it into an exit code.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use ntpscope::backend::{Backend, Measure, TargetId};
use ntpscope::cli::args::{self, Arguments, Command};
use ntpscope::cli::demo::DemoArguments;
use ntpscope::cli::engine::Starts;
use ntpscope::cli::exit::{Exit, printed};
use ntpscope::cli::set::keys;
use ntpscope::cli::{ntpdc, ntpq, run, settings, setup, sim};
use ntpscope::config::Rejected;
use ntpscope::config::app::{AUTO_THEME, Settings};
use ntpscope::config::files::Files;
use ntpscope::config::host::NTP_PORT;
use ntpscope::config::target::TargetSpec;
use ntpscope::control::completion::completions;
use ntpscope::net::answered::Answered;
use ntpscope::net::change::Readers;
use ntpscope::net::clock::Clock;
use ntpscope::net::consoles::Consoles;
use ntpscope::net::network::Network;
use ntpscope::ntpq::Family;
use ntpscope::sim::live::Live;
use ntpscope::sim::site::Stage;
use ntpscope::tui;
use ntpscope::tui::app::{Options, Target};
use ntpscope::tui::terminal::Capabilities;
use ntpscope::tui::theme::{ThemeError, Themes, Variant};
use ntpscope::tui::update::measure::OWN_LABEL;

fn main() -> ExitCode {
    let mut words = env::args_os();
    let program = words.next().unwrap_or_else(|| OsString::from("ntpscope"));
    if ntpq::is_ntpq(&program) {
        return run::ntpq(&program, words);
    }
    if ntpdc::is_ntpdc(&program) {
        return run::ntpdc(&program, words);
    }
    match args::read(std::iter::once(program.clone()).chain(words)) {
        Err(instead) => say(&instead).into(),
        Ok(arguments) => match arguments.command.clone() {
            Some(Command::Ntpq { arguments }) => run::ntpq(&program, arguments),
            Some(Command::Ntpdc { arguments }) => run::ntpdc(&program, arguments),
            Some(Command::Sim(asked)) => sim::run(&asked).into(),
            Some(Command::Demo(demo)) => watch_demo(&demo.look(&arguments), &demo).into(),
            Some(Command::Probe(asked)) => run::probe(&asked).into(),
            Some(Command::Run(asked)) => run::service::run(&asked).into(),
            Some(Command::Set(asked)) => run::set::run(&asked).into(),
            None => watch(&arguments).into(),
        },
    }
}

/// Writes what was asked for to stdout, what is wrong to stderr.
fn say(instead: &args::Instead) -> Exit {
    match instead.exit {
        Exit::Success => printed(io::stdout().write_all(instead.text.as_bytes())),
        exit => {
            complain(&instead.text);
            exit
        }
    }
}

/// Writes to stderr; there is nowhere to say that it cannot be.
fn complain(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}

/// The screens, or the table once where there is no terminal to draw on.
fn watch(arguments: &Arguments) -> Exit {
    let settings = match settings::load(arguments) {
        Ok(settings) => settings,
        Err(rejected) => {
            complain(&format!("ntpscope: {rejected}\n"));
            return Exit::Usage;
        }
    };
    if arguments.print_config {
        return printed(io::stdout().write_all(settings.print().as_bytes()));
    }
    let mut options = match options(targets(arguments, &settings), &settings) {
        Ok(options) => options,
        Err(rejected) => {
            complain(&format!("ntpscope: {rejected}\n"));
            return Exit::Usage;
        }
    };
    let is_screen = !arguments.json && io::stdout().is_terminal();
    if arguments.measured.is_asked() {
        options.measure = match measure(arguments, is_screen) {
            Ok(measure) => Some(measure),
            Err(rejected) => {
                complain(&format!("ntpscope: {rejected}\n"));
                return Exit::Usage;
            }
        };
    }
    if !is_screen {
        let patience = settings.timeout.value;
        return run::once(arguments, &hosts(arguments), patience, |daemons, names, now| {
            let printed = tui::once::print(options, daemons, names, now);
            complain(&printed.complaints);
            printed.tables
        });
    }
    // Before the screens: a refusal is for the shell, and what was watched there is told there.
    let permit = match arguments.measured.discipline.then(run::permit).transpose() {
        Ok(permit) => permit,
        Err(why) => {
            complain(&format!("ntpscope: {why}\n"));
            return Exit::Failed;
        }
    };
    let files: Vec<_> = options.targets.iter().map(|target| target.files.clone()).collect();
    if files.iter().any(|files| files.keys.as_deref() == Some(Path::new("-"))) {
        complain(
            "ntpscope: --keys -: the keyboard is stdin here\nhint: name a file or /dev/fd/N\n",
        );
        return Exit::Usage;
    }
    let clock = Clock::start();
    let network = || {
        let families = run::families(arguments.look_ups);
        let mut network = Network::start(&hosts(arguments), families, clock)?;
        if let Some(permit) = permit {
            network.permit(permit);
        }
        network.offer(setup::found);
        network.files(files, Readers { keys: keys::all, found: setup::found });
        network.tell_left();
        Ok(Consoles::new(network, hosts(arguments), run::family(arguments.look_ups), clock))
    };
    ended(screens(network, options, clock))
}

/// How the screens ended.
fn ended(outcome: color_eyre::Result<Option<String>>) -> Exit {
    match outcome {
        Ok(None) => Exit::Success,
        Ok(Some(why)) => {
            for line in why.lines() {
                complain(&format!("ntpscope: {line}\n"));
            }
            Exit::NoAnswer
        }
        Err(error) => {
            complain(&format!("ntpscope: {error:#}\n"));
            Exit::Failed
        }
    }
}

/// The screens on a simulated world.
fn watch_demo(arguments: &Arguments, demo: &DemoArguments) -> Exit {
    if demo.list {
        return sim::list();
    }
    if !io::stdout().is_terminal() {
        complain("ntpscope: a demo draws screens, and stdout is no terminal\n");
        return Exit::Usage;
    }
    let clock = Clock::start();
    let prepared = settings::load(arguments).and_then(|settings| {
        let stage = demo.stage(clock.now().clock)?;
        let targets = targets_of(&stage);
        Ok((stage, options(targets, &settings)?))
    });
    let (stage, options) = match prepared {
        Ok(prepared) => prepared,
        Err(rejected) => {
            complain(&format!("ntpscope: {rejected}\n"));
            return Exit::Usage;
        }
    };
    let pace = demo.speed;
    let reads = move || clock.now();
    let listen = demo.listen.map(|at| at.with_port(NTP_PORT));
    let places = targets_of(&stage).into_iter().map(|target| target.id);
    let outcome = match listen {
        None => {
            let live = move || {
                let world = Live::open(stage, pace, Box::new(reads));
                Ok(Consoles::new(world, Vec::new(), Family::Any, clock))
            };
            screens(live, options, clock)
        }
        Some(first) => {
            let live = move || {
                let world = Live::open(stage, pace, Box::new(reads));
                let world = Answered::open(world, places, first, Box::new(reads))?;
                Ok(Consoles::new(world, Vec::new(), Family::Any, clock))
            };
            screens(live, options, clock)
        }
    };
    ended(outcome)
}

/// The machines of a simulated world: our own first.
fn targets_of(stage: &Stage) -> Vec<Target> {
    let own = Target {
        id: TargetId::OWN,
        label: OWN_LABEL.to_owned(),
        is_local: true,
        files: Files::default(),
    };
    let others = stage.names().into_iter().zip(0..).map(|(label, place)| Target {
        id: TargetId::new(place),
        label,
        is_local: false,
        files: Files::default(),
    });
    std::iter::once(own).chain(others).collect()
}

/// The daemons to look at: those that were named, or the one on this host where nothing else was
/// asked for.
fn hosts(arguments: &Arguments) -> Vec<TargetSpec> {
    if arguments.hosts.is_empty() && !arguments.measured.is_asked() {
        return vec![TargetSpec::local()];
    }
    arguments.hosts.clone()
}

/// What to measure from here at once; it is shown on screens only.
fn measure(arguments: &Arguments, is_screen: bool) -> Result<Measure, Rejected> {
    if !is_screen {
        return Err(Rejected {
            source: "--source, -c and --discipline".into(),
            position: None,
            reason: "what is measured from here is shown on screens, and there is none\nhint: \
                     `ntpscope run` measures without"
                .into(),
        });
    }
    let (engine, notices) = arguments.measured.setup(Starts::Screen)?;
    for notice in notices {
        complain(&format!("ntpscope: {notice}\n"));
    }
    Ok(Measure { setup: engine.into() })
}

/// The same as tabs.
fn targets(arguments: &Arguments, settings: &Settings) -> Vec<Target> {
    let targets = (0..).zip(hosts(arguments)).map(|(place, host)| Target {
        id: TargetId::new(place),
        label: host.to_string(),
        is_local: host.is_local(),
        files: settings.files_of(&host),
    });
    targets.collect()
}

fn options(targets: Vec<Target>, settings: &Settings) -> Result<Options, Rejected> {
    let name = settings.theme.value.as_str();
    let variant = Variant::named(name);
    let built_in = Themes::built_in().map_err(rejected)?;
    let themes = if variant.is_some() || name == AUTO_THEME {
        built_in
    } else {
        let file = settings::theme_file(name)?;
        built_in.patched(&file.text, &file.origin).map_err(rejected)?
    };
    let (color, ascii) = (settings.color.value, settings.ascii.value);
    Ok(Options {
        targets,
        names: settings.names.value,
        capabilities: Capabilities::detect(|name| env::var(name).ok(), color, ascii),
        themes,
        variant,
        measure: None,
        completions,
        notice: None,
        units: settings.units.value,
    })
}

fn rejected(error: ThemeError) -> Rejected {
    Rejected {
        source: error.origin.into_string(),
        position: Some((error.line, error.column)),
        reason: error.source.to_string().trim_end_matches('.').to_owned(),
    }
}

fn screens<B: Backend>(
    world: impl FnOnce() -> io::Result<B>,
    options: Options,
    clock: Clock,
) -> color_eyre::Result<Option<String>> {
    color_eyre::install()?;
    let runtime = run::runtime()?;
    let outcome =
        runtime.block_on(async { tui::run::run(world()?, options, || clock.now()).await });
    // A resolver that hangs is not waited for.
    runtime.shutdown_background();
    outcome
}
