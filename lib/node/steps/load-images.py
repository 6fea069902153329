# parts: images
# Imports the image archives of the site on a worker; on the lead, those that kubeadm needs.
