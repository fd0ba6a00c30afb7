# Completion of ringlet in fish: save this as ~/.config/fish/completions/ringlet.fish

function __ringlet_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    # a status other than 0 says that files and the like are right here
    command ringlet __complete $words "$current" 2>/dev/null
    or __fish_complete_path "$current"
end

complete -c ringlet -f -a '(__ringlet_complete)'
