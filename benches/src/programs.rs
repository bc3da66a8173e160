//! The programs of all examples, with sizes at which a run takes a few seconds.

use std::fs;
use std::path::{Path, PathBuf};

/// A program of an example.
#[derive(Debug, Clone)]
pub struct Program {
    /// The example, which is the name of its binary.
    pub example: &'static str,
    /// The program.
    pub name: String,
    /// What the binary gets, behind its flags.
    pub arguments: Vec<String>,
    /// What it reads.
    pub input: Option<PathBuf>,
    /// Whether its output depends on what was compiled.
    pub shows_code: bool,
}

impl Program {
    /// `lua/fib`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.example, self.name)
    }
}

/// An example with programs in files: the suffix of their names, and sizes of those that take one.
struct Folder {
    example: &'static str,
    suffix: &'static str,
    sizes: &'static [(&'static str, &'static str)],
}

const FOLDERS: &[Folder] = &[
    Folder { example: "brainfuck", suffix: "bf", sizes: &[] },
    Folder { example: "chip8", suffix: "8s", sizes: &[] },
    Folder { example: "minischeme", suffix: "scm", sizes: &[] },
    Folder {
        example: "lua",
        suffix: "lua",
        sizes: &[
            ("ackermann", "8"),
            ("binary-trees", "11"),
            ("closures", "300000"),
            ("coroutine-ring", "100000"),
            ("deltablue", "8"),
            ("fannkuch", "8"),
            ("fib", "29"),
            ("havlak", "20"),
            ("heapsort", "80000"),
            ("json", "30"),
            ("k-nucleotide", "100000"),
            ("mandelbrot", "250"),
            ("matrix", "120"),
            ("n-queens", "10"),
            ("nbody", "50000"),
            ("richards", "20"),
            ("sieve", "1000000"),
            ("spectral-norm", "200"),
            ("string-buffer", "30000"),
        ],
    },
];

/// All programs below the folder of examples, those of an example by name.
pub fn all(examples: &Path) -> Result<Vec<Program>, String> {
    let mut programs = vec![Program {
        example: "language-x",
        name: "post".into(),
        arguments: vec!["--limit".into(), "3000000".into()],
        input: None,
        shows_code: true,
    }];
    for folder in FOLDERS {
        programs.extend(folder.programs(examples)?);
    }
    Ok(programs)
}

impl Folder {
    fn programs(&self, examples: &Path) -> Result<Vec<Program>, String> {
        let path = examples.join(self.example).join("programs");
        let entries = fs::read_dir(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|it| it.path()).collect();
        files.retain(|it| it.extension().is_some_and(|suffix| suffix == self.suffix));
        files.sort();
        Ok(files.iter().map(|file| self.program(file)).collect())
    }

    fn program(&self, file: &Path) -> Program {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let size = self.sizes.iter().find(|(program, _)| *program == name);
        let mut arguments = vec![file.display().to_string()];
        arguments.extend(size.map(|(_, size)| size.to_string()));
        let input = Some(file.with_extension("in")).filter(|it| it.exists());
        Program { example: self.example, name, arguments, input, shows_code: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_here_exists() {
        let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples"));
        assert!(all(examples).unwrap().iter().any(|it| it.title() == "lua/fib"));
        for folder in FOLDERS {
            let exists = |name: &str| {
                let file = format!("{}/programs/{name}.{}", folder.example, folder.suffix);
                assert!(examples.join(&file).exists(), "{file}");
            };
            folder.sizes.iter().for_each(|(name, _)| exists(name));
        }
    }
}
