# Completion of ringlet in Nushell: save this as ringlet.nu beside config.nu (ls $nu.config-path), and put there:
#   source ringlet.nu

let ringlet_names = {|spans|
    let found = (^ringlet __complete ...($spans | skip 1) | complete)
    # a status other than 0 says that files and the like are right here, which null leaves to the shell
    if $found.exit_code != 0 { null } else {
        $found.stdout | lines | each {|line|
            let parts = ($line | split row (char tab))
            { value: $parts.0, description: ($parts.1? | default "") }
        }
    }
}
# what completes other programs goes on doing so
let ringlet_others = $env.config.completions?.external?.completer?
$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans|
    if $spans.0 == "ringlet" {
        do $ringlet_names $spans
    } else if $ringlet_others != null {
        do $ringlet_others $spans
    }
}
