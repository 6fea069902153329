# parts: images
# Loads the image archives of the site into a worker, and into the lead those that kubeadm needs.
