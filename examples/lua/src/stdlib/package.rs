//! `require` and `package`.

use super::{add_functions, module};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::{LuaError, Result};
use crate::vm::function::{Args, Outcome};

/// Where modules are looked for; `?` is the name.
const PATH: &str = "/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;\
    /usr/local/lib/lua/5.4/?.lua;/usr/local/lib/lua/5.4/?/init.lua;\
    /usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua;./?.lua;./?/init.lua";

pub fn open(vm: &mut Vm<'_>) {
    let package = module(vm, "package", &[("searchpath", searchpath)]);
    let (globals, loaded) = (vm.globals, vm.loaded);
    add_functions(vm, globals, &[("require", require)]);
    vm.set_field(package, "loaded", Value::Table(loaded));
    let preload = vm.heap.new_table(0, 0);
    vm.set_field(package, "preload", Value::Table(preload));
    for (name, text) in [("path", PATH), ("cpath", ""), ("config", "/\n;\n?\n!\n-\n")] {
        let text = vm.str(text.as_bytes());
        vm.set_field(package, name, text);
    }
    let searchers = vm.heap.new_table(2, 0);
    let native = vm.native_function(search_preload, vec![Value::Table(preload)]);
    vm.heap.table_set(searchers, Value::Int(1), native);
    let native = vm.native_function(search_path, vec![Value::Table(package)]);
    vm.heap.table_set(searchers, Value::Int(2), native);
    vm.set_field(package, "searchers", Value::Table(searchers));
}

fn upvalue(vm: &Vm<'_>, args: Args) -> Value {
    match vm.stack[args.func()] {
        Value::Native(native) => vm.heap[native].upvalues[0],
        _ => Value::Nil,
    }
}

fn require(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?;
    let loaded = vm.heap[vm.loaded].get_str(name);
    if loaded.is_truthy() {
        return vm.ret(args, loaded);
    }
    let package = vm.get_field(vm.loaded, "package");
    let searchers = match package {
        Value::Table(package) => vm.get_field(package, "searchers"),
        _ => Value::Nil,
    };
    let Value::Table(searchers) = searchers else {
        return Err(vm.error("'package.searchers' must be a table"));
    };
    // A searcher may take the table away.
    vm.stack[args.func()] = Value::Table(searchers);
    let mut message = Vec::new();
    for at in 1.. {
        let searcher = vm.heap[searchers].get_int(at);
        if searcher.is_nil() {
            let text = [b"module '", name.as_bytes(), b"' not found:", &message].concat();
            return Err(vm.error_bytes(&text));
        }
        let (slot, n) = vm.call(searcher, &[Value::Str(name)])?;
        let (found, extra) = (vm.stack[slot], vm.stack[slot + 1]);
        match found {
            _ if n == 0 => {}
            Value::Str(text) => message.extend_from_slice(text.as_bytes()),
            it if it.is_function() => {
                let extra = if n > 1 { extra } else { Value::Nil };
                return load_module(vm, args, it, extra);
            }
            _ => {}
        }
    }
    Ok(Outcome::Return(0))
}

fn load_module(vm: &mut Vm<'_>, args: Args, loader: Value, extra: Value) -> Result<Outcome> {
    let name = vm.arg(args, 1);
    vm.held.push(extra);
    let result = vm.call_for_one(loader, &[name, extra]);
    vm.held.pop();
    let value = result?;
    let loaded = vm.loaded;
    if !value.is_nil() {
        vm.heap.table_set(loaded, name, value);
    }
    if vm.heap[loaded].get(name).is_nil() {
        vm.heap.table_set(loaded, name, Value::from(true));
    }
    let value = vm.heap[loaded].get(name);
    vm.ret_all(args, &[value, extra])
}

fn search_preload(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?;
    let Value::Table(preload) = upvalue(vm, args) else { return Ok(Outcome::Return(0)) };
    let found = vm.heap[preload].get_str(name);
    if found.is_nil() {
        let text = format!("\n\tno field package.preload['{}']", name.to_text());
        return vm.ret_str(args, text.as_bytes());
    }
    let extra = vm.str(b":preload:");
    vm.ret_all(args, &[found, extra])
}

fn search_path(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?;
    let Value::Table(package) = upvalue(vm, args) else { return Ok(Outcome::Return(0)) };
    let Value::Str(path) = vm.get_field(package, "path") else {
        return Err(vm.error("'package.path' must be a string"));
    };
    match find_file(&name.to_text(), &path.to_text(), ".", "/") {
        Ok(file) => {
            let globals = Value::Table(vm.globals);
            match vm.load_file(Some(&file), globals) {
                Ok(function) => {
                    let file = vm.str(file.as_bytes());
                    vm.ret_all(args, &[function, file])
                }
                Err(message) => {
                    let (name, message) = (name.to_text(), String::from_utf8_lossy(&message));
                    let text =
                        format!("error loading module '{name}' from file '{file}':\n\t{message}");
                    Err(LuaError::new(vm.str(text.as_bytes())))
                }
            }
        }
        Err(message) => vm.ret_str(args, message.as_bytes()),
    }
}

fn find_file(
    name: &str,
    path: &str,
    separator: &str,
    replacement: &str,
) -> std::result::Result<String, String> {
    let name = match separator {
        "" => name.to_string(),
        _ => name.replace(separator, replacement),
    };
    let mut message = String::new();
    for template in path.split(';') {
        let file = template.replace('?', &name);
        if std::fs::File::open(&file).is_ok() {
            return Ok(file);
        }
        message.push_str(&format!("\n\tno file '{file}'"));
    }
    Err(message)
}

fn searchpath(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?.to_text();
    let path = vm.check_str(args, 2)?.to_text();
    let separator = vm.opt_str(args, 3)?.map_or(".".to_string(), |it| it.to_text());
    let replacement = vm.opt_str(args, 4)?.map_or("/".to_string(), |it| it.to_text());
    match find_file(&name, &path, &separator, &replacement) {
        Ok(file) => vm.ret_str(args, file.as_bytes()),
        Err(message) => {
            let message = vm.str(message.strip_prefix("\n\t").unwrap_or(&message).as_bytes());
            vm.ret_all(args, &[Value::Nil, message])
        }
    }
}
