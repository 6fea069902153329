-- usernetes.lua - a job that asks for usernetes starts with its cluster, or not
--
-- Purpose: the last guard before a job's tasks start, run by the job shell on
-- every node of every job.  For a job that asks, it waits until its cluster has
-- settled (which it has, where the hold was in time), and gives each task
-- KUBECONFIG and USERNETES_WORKDIR.  A job that does not ask pays one look-up.
--
-- Failure behaviour: no daemon, a failed bring-up or a daemon that goes away
-- end the job with a message that says so; it never runs without its cluster.
--
-- It runs as the job's user: a guard against mistakes, not a wall.

local user = shell.info.jobspec.attributes.user
if type (user) ~= "table" or user.usernetes == nil then return end

local NO = { ["no"] = true, ["false"] = true, ["off"] = true, ["0"] = true, [""] = true }

local function asks (value)
    if type (value) == "string" then return not NO[value:lower ()] end
    -- JSON null is a light userdata
    return value ~= nil and value ~= false and value ~= 0 and type (value) ~= "userdata"
end

if not asks (user.usernetes) then return end

-- How long one look at the record may take before the daemon is asked for again.
local LOOK = "15s"

-- The output and success of a command; its environment is the broker's.
local function run (command)
    local pipe = io.popen ("env -u FLUX_KVS_NAMESPACE " .. command .. " && echo 'exit 0'")
    local text = pipe:read ("*a")
    pipe:close ()
    local output, done = text:gsub ("exit 0\n$", "")
    return output, done == 1
end

local function nested ()
    local level = run ("flux getattr instance-level")
    return (tonumber (level) or 0) > 0
end

local function daemon_answers_now ()
    local _, ok = run ("timeout 10 flux ping --count=1 usernetes 2>/dev/null")
    return ok
end

local function daemon_answers ()
    for _ = 1, 3 do
        if daemon_answers_now () then return true end
        run ("sleep 1")
    end
    return false
end

-- The settle event of the job's record, or nil.
local function settle (jobid, timeout)
    local line, ok = run (
        "flux job wait-event --waitcreate -t " .. timeout ..
        " --format=json -p usernetes.eventlog " .. jobid .. " settle 2>/dev/null")
    if ok then return line end
end

local function field (line, name)
    local value = line:match ('"' .. name .. '":"(.-[^\\])"')
    return value and value:gsub ('\\(.)', '%1')
end

local function wait_for_cluster (jobid)
    local line = settle (jobid, "0.1s")
    while not line do
        if not daemon_answers () then
            shell.die ("usernetes: no flux-usernetes daemon is running in this instance: " ..
                "the job asks for a cluster and would run without it; " ..
                (nested () and "ask for it on the batch job" or "tell the administrator"))
        end
        line = settle (jobid, LOOK)
    end
    return line
end

local function use (kubeconfig)
    shell.setenv ("KUBECONFIG", kubeconfig)
    shell.setenv ("USERNETES_WORKDIR", (kubeconfig:gsub ("/[^/]*$", "")))
end

-- The kubeconfig that a record tells of, if its cluster is there; or nil.
local function ready_in (record)
    local kubeconfig
    for line in record:gmatch ("[^\n]+") do
        if line:match ('"name":"settle"') and field (line, "outcome") == "ready" then
            kubeconfig = field (line, "kubeconfig")
        elseif line:match ('"name":"teardown%-start"') then
            kubeconfig = nil
        end
    end
    return kubeconfig
end

-- The kubeconfig of the nearest cluster that this job is in, from the inside
-- outwards: a whole instance's (flux usernetes up), or that of the job which the
-- instance is; or nil.
local function kubeconfig_around ()
    local flux = "flux"
    while true do
        local own = ready_in (run (flux .. " kvs get usernetes.eventlog 2>/dev/null"))
        if own then return own end
        local jobid, inside = run (flux .. " getattr jobid 2>/dev/null")
        jobid = jobid:gsub ("%s", "")
        if not inside or not jobid:match ("^[%w\198\146]+$") then return nil end
        flux = flux .. " --parent"
        local around = ready_in (run (flux .. " job info " .. jobid .. " usernetes.eventlog 2>/dev/null"))
        if around then return around end
    end
end

-- In an instance that has no daemon, as a batch job's own, a job that asks gets the
-- cluster it is in, or one that its environment tells of.
local function inside_a_cluster ()
    if daemon_answers_now () then return nil end
    local workdir = nested () and shell.getenv ("USERNETES_WORKDIR")
    return kubeconfig_around () or (workdir and workdir .. "/kubeconfig")
end

local function on_init ()
    local jobid = shell.getenv ("FLUX_JOB_ID")
    if not jobid or not jobid:match ("^[%w\198\146]+$") then
        shell.die ("usernetes: the job's id is not known: FLUX_JOB_ID is " .. tostring (jobid))
    end
    local around = inside_a_cluster ()
    if around then return use (around) end
    local line = wait_for_cluster (jobid)
    local kubeconfig = field (line, "kubeconfig")
    if field (line, "outcome") ~= "ready" or not kubeconfig then
        shell.die ("usernetes: the job's cluster did not come up: " ..
            (field (line, "note") or field (line, "outcome") or "its record is not understood"))
    end
    use (kubeconfig)
end

plugin.register {
    name = "usernetes",
    handlers = { { topic = "shell.init", fn = on_init } },
}

-- vi: ts=4 sw=4 expandtab
