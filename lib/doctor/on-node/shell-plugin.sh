# Searches the shell plugin where a job's shell does: in lua.d beside its initrc, and in the
# directories of FLUX_SHELL_RC_PATH. A job that is submitted from this environment has the same
# value.
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
  report shell-plugin ok
else
  report shell-plugin no "${initrc%/*}/lua.d/usernetes.lua does not exist${FLUX_SHELL_RC_PATH:+, nor usernetes.lua in $FLUX_SHELL_RC_PATH}"
fi
