-- shell.lua - a stand-in for the job shell's Lua API that etc/flux/shell/lua.d/usernetes.lua uses
--
--     lua shell.lua PLUGIN
--
-- The first line on stdin describes the job as a Lua table: info, options, env.  The handlers of
-- shell.init are called at once, those of shell.exit at the next line.
-- Each line on stdout is an action of a handler, with fields separated by tabs: setenv, die, log,
-- and "done" after the handlers of shell.init and after those of shell.exit.  The shell options
-- that the plugin has set are printed before the first "done".  As in a real job shell, the
-- environment of this process is the broker's.

local NULL = io.stdout -- JSON null must be neither a table nor a string
local job = assert ((loadstring or load) ("local NULL = ... return " .. io.read ("*l"))) (NULL)
local handlers = {}

local ESCAPES = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t" }

local unpack_words = table.unpack or unpack

local function report (...)
    local words = { ... }
    for i, word in ipairs (words) do words[i] = tostring (word):gsub ("[\\\n\t]", ESCAPES) end
    io.stdout:write (table.concat (words, "\t"), "\n")
    io.stdout:flush ()
end

local options = {}
shell = { info = job.info }
shell.options = setmetatable ({}, {
    __index = job.options,
    __newindex = function (_, name, value)
        job.options[name] = value
        options[#options + 1] = { "option", name, value }
    end,
})

function shell.getenv (name)
    if name == nil then return job.env end
    return job.env[name]
end

function shell.setenv (name, value)
    job.env[name] = value
    report ("setenv", name, value)
end

function shell.log (text) report ("log", text) end

function shell.die (text)
    report ("die", text)
    os.exit (1)
end

plugin = {}

function plugin.register (t)
    for _, handler in ipairs (t.handlers) do handlers[#handlers + 1] = handler end
end

local function call (topic)
    for _, handler in ipairs (handlers) do
        if handler.topic == topic then handler.fn (topic) end
    end
end

dofile (arg[1])
call ("shell.init")
for _, option in ipairs (options) do report (unpack_words (option)) end
report ("done")
if io.read ("*l") then
    call ("shell.exit")
    report ("done")
end
