-- shell.lua - a job shell's Lua, as far as etc/flux/shell/lua.d/usernetes.lua uses it
--
--     lua shell.lua PLUGIN
--
-- The first line on stdin is the job, a Lua table: info, options, env.  The handlers of
-- shell.init are called at once, those of shell.exit at the next line.
-- Each line on stdout is what a handler does, its words separated by tabs: setenv, die,
-- log, and "done" after each part.  Before the first "done" come the options of the shell that
-- it has set.  Its environment is the broker's, as a real one's is.

local NULL = io.stdout -- JSON null is no table and no string
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
