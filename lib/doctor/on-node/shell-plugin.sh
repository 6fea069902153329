# The shell plugin, looked for where a job's shell does: in lua.d beside its initrc, and in
# the directories of FLUX_SHELL_RC_PATH, which is the job's own environment: a job that is
# submitted from here has this one.
initrc=$(limited flux getattr conf.shell_initrc) ||
  initrc=$(limited flux config builtin shell_initrc) ||
  initrc=/etc/flux/shell/initrc.lua
found=''
IFS=:
for folder in "${initrc%/*}/lua.d" ${FLUX_SHELL_RC_PATH:-}; do
  [ ! -r "$folder/usernetes.lua" ] || found=yes
done
unset IFS
if [ -n "$found" ]; then
  tell shell-plugin ok
else
  tell shell-plugin no "${initrc%/*}/lua.d/usernetes.lua does not exist${FLUX_SHELL_RC_PATH:+, nor usernetes.lua in $FLUX_SHELL_RC_PATH}"
fi
