# What `wps` takes, for TAB in fish. The program itself knows what can stand where.
function __wps_complete
    set -l typed (commandline -opc) (commandline -ct)
    command wps completions --at (math (count $typed) - 1) -- $typed 2>/dev/null
end
complete --command wps --no-files --keep-order --arguments '(__wps_complete)'
